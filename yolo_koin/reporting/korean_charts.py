"""What figures say in Korean, by the template in English; a part of :data:`yolo_koin.reporting.korean.KOREAN`."""

from __future__ import annotations

CHARTS = {
    "{n:,} photo": "사진 {n:,}장",
    "{n:,} photos": "사진 {n:,}장",
    "{least:,} to {most:,} photos": "사진 {least:,}–{most:,}장",
    "{what} on {dataset}": "{dataset}: {what}",
    # accuracy of models
    "Accuracy": "정확도",
    "Labelled person named": "해당 인물을 맞힌 비율",
    "top-1 accuracy, %\n(95 % Wilson interval)": "top-1 정확도, %\n(95 % Wilson 구간)",
    "Lost from normal": "일반 사진 대비 손실",
    "top-1 on normal minus here,\npercentage points\n(95 % Newcombe interval)": (
        "일반 사진과의 top-1 차이,\n퍼센트포인트\n(95 % Newcombe 구간)"
    ),
    "photos whose person is the first name of the photo,\nor of any face in it, % (95 % Wilson interval)": (
        "사진 또는 그 안의 어느 얼굴의 첫 이름이\n해당 인물인 사진, % (95 % Wilson 구간)"
    ),
    "names the whole photo": "사진 전체에 이름",
    "names each face found": "찾은 얼굴마다 이름",
    "finds and names faces": "얼굴을 찾고 이름",
    "Identity\nmAP@0.5": "인물\nmAP@0.5",
    "Identity\nmAP@0.5:0.95": "인물\nmAP@0.5:0.95",
    "Face\nAP@0.5": "얼굴\nAP@0.5",
    "{names} photos: synthetic": "{names} 사진: 합성",
    "% (95 % bootstrap interval over boxed photos)": "% (상자가 있는 사진의 95 % 부트스트랩 구간)",
    "boxed: {photos}": "상자: {photos}",
    "hollow: agreement with {finder}, which boxed the {splits} photos": "빈 표식: {splits} 사진의 상자를 찾은 {finder}와의 일치도",
    # training
    "Trained on {dataset}": "학습: {dataset}",
    "Loss": "손실",
    "Loss on validation photos": "검증 사진의 손실",
    "Top-1 on validation photos": "검증 사진의 top-1",
    "epoch": "에포크",
    "training, augmented photos": "학습(증강한 사진)",
    "validation": "검증",
    "chosen epoch": "선택한 에포크",
    # scatter, shots, cost
    "top-1 on {split} photos, %": "{split} 사진의 top-1, %",
    "hollow: learnt from hard photos": "빈 표식: 어려운 사진으로 학습",
    "top-1, trained on {trained_on}": "top-1, 학습: {trained_on}",
    "training photos of each person": "1인당 학습 사진 수",
    "top-1, {split} photos": "top-1, {split} 사진",
    "time for one photo, ms": "사진 한 장의 시간, ms",
    "parameters, millions": "매개변수 수, 백만",
    "FLOPs for one photo, billions": "사진 한 장의 FLOPs, 10억",
    # confidence
    "photos answered, the surest first, %": "확신도가 높은 순으로 답한 사진, %",
    "wrong among them, %": "그중 오답, %",
    "confidence, % (the area of a dot tells how many photos)": "확신도, % (점의 넓이는 사진 수)",
    "right, % (95 % Wilson interval)": "정답, % (95 % Wilson 구간)",
    "FPIR: strangers' photos accepted, % (log scale)": "FPIR: 받아들인 모르는 사람의 사진, % (로그 눈금)",
    "TPIR: known people named, %": "TPIR: 맞힌 아는 사람, %",
    # people
    "True person → taken for": "실제 인물 → 착각한 인물",
    "{count} of {n}": "{n}장 중 {count}장",
    "photos": "사진 수",
    "photos, the {rows} most frequent of {pairs:,} pairs": "사진 수, {pairs:,}쌍 중 가장 잦은 {rows}쌍",
    "photos, the most frequent of {pairs:,} pairs": "사진 수, {pairs:,}쌍 중 가장 잦은 쌍",
    "Recall per class": "클래스별 재현율",
    "photos recognised, % (95 % Wilson interval); correct of all at the right": "맞힌 사진, % (95 % Wilson 구간). 오른쪽: 맞힌 수/전체",
    "photos of a person that are recognised, % (of {of} each)": "한 인물의 사진 중 맞힌 비율, % (각 {of}장)",
    "Recall of {people:,} people": "{people:,}명의 재현율",
    # pages of photos
    "synthetic": "합성",
    "top-1 {share} of {photos}": "{photos}의 top-1 {share}",
    "labelled person named in {share} of {photos}": "{photos} 중 해당 인물을 맞힌 비율 {share}",
    "labelled person named, which is the first name of any face, in {share} of {photos}": (
        "{photos} 중 어느 얼굴의 첫 이름이 해당 인물인 비율 {share}"
    ),
    "{measured}; {shown} shown, spread evenly over the split, none picked by hand": (
        "{measured}. 그중 {shown}장, 분할에서 고르게 뽑았고 손으로 고르지 않음"
    ),
    "true: {person}": "정답: {person}",
    "correct": "맞음",
    "wrong": "틀림",
    "not scored": "채점 안 함",
    "named": "맞힘",
    "not named": "못 맞힘",
    "{n} faces": "얼굴 {n}개",
    "no face found": "얼굴을 찾지 못함",
    "and {n} more": "외 {n}개",
}
