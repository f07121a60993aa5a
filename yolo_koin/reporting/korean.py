"""What a report says in Korean: a table of words. Sentences are looked up by their template, cells and headings of tables as they stand."""

from __future__ import annotations

import re

from yolo_koin.reporting.korean_charts import CHARTS
from yolo_koin.words import Sentence

KOREAN = CHARTS | {
    # headings
    "Results on {dataset}": "{dataset} 결과",
    "Figures": "그림",
    "Strangers": "모르는 사람",
    "All runs": "모든 실행",
    "Classes and confidence": "클래스와 확신도",
    "Seeds": "시드",
    "Tests between runs": "실행 간 검정",
    "Effective robustness": "유효 강건성",
    "People": "인물",
    "Mistakes": "오답",
    "Where these numbers come from": "수치의 출처",
    "Can this number be trusted?": "이 수치를 믿을 수 있는가?",
    "Does training show test photos?": "학습 사진에 테스트 사진이 들어 있는가?",
    "Do properties of the photos alone tell who it is?": "사진의 속성만으로 누구인지 알 수 있는가?",
    "Does the model know the face, or what is around it?": "모델이 아는 것은 얼굴인가, 그 주변인가?",
    "What do covered and corrupted photos cost?": "가려지거나 손상된 사진에서는 얼마나 잃는가?",
    "On which photos does it fail?": "어떤 사진에서 틀리는가?",
    "Where does it look?": "어디를 보는가?",
    "Does it notice strangers?": "모르는 사람을 알아차리는가?",
    # tables
    "model": "모델",
    "names": "이름을 붙인 대상",
    "split": "분할",
    "photos": "사진 수",
    "boxed photos": "상자가 있는 사진 수",
    "lost from normal": "일반 사진 대비 손실",
    "person named": "해당 인물을 맞힌 비율",
    "in top-3": "상위 3개 안",
    "precision of names": "이름 정밀도",
    "recall of names": "이름 재현율",
    "top-1 of faces found": "찾은 얼굴의 top-1",
    "face AP@0.5": "얼굴 AP@0.5",
    "each face found": "찾은 얼굴마다",
    "what it detects": "탐지한 얼굴",
    "worst class": "가장 낮은 클래스",
    "10th percentile of classes": "클래스의 10번째 백분위수",
    "top-1 at 80 % coverage": "확신도 상위 80 % 사진의 top-1",
    "photos (inferred)": "사진 수(추정)",
    "normal": "일반",
    "hard": "어려움",
    "expected": "예상",
    "photos, known + strangers": "사진 수, 아는 사람 + 모르는 사람",
    "TPIR at FPIR 10 %": "FPIR 10 %에서 TPIR",
    "TPIR at FPIR 1 %": "FPIR 1 %에서 TPIR",
    "FPIR there": "그때의 FPIR",
    "FPIR there (1 %)": "그때의 FPIR(1 %)",
    "score": "점수",
    "pairs of two people": "다른 사람 쌍의 수",
    "TAR at FAR 1 %": "FAR 1 %에서 TAR",
    "TAR at FAR 0.1 %": "FAR 0.1 %에서 TAR",
    "effective robustness": "유효 강건성",
    "better": "더 나은 쪽",
    "neither shown": "차이 확인 안 됨",
    "mean ± SD": "평균 ± 표준편차",
    "only A right": "A만 정답",
    "only B right": "B만 정답",
    "photo": "사진",
    "person": "인물",
    "taken for": "착각한 인물",
    "times": "횟수",
    "recall": "재현율",
    "confidence": "확신도",
    "fact": "항목",
    "value": "값",
    "platform": "플랫폼",
    "commit of the program": "프로그램의 커밋",
    "run": "실행",
    "evaluated": "평가한 날",
    "hash of photos": "사진 해시",
    "hash of weights": "가중치 해시",
    "command": "명령",
    "seed": "시드",
    "seeds": "시드 수",
    "method": "방법",
    "trained on": "학습 세트",
    "shots": "1인당 학습 사진 수",
    "group": "그룹",
    "both": "일반+어려움",
    "fine-tuned": "미세 조정",
    "from scratch": "처음부터 학습",
    "probe": "선형 분류기",
    "nearest mean": "최근접 평균",
    "(synthetic)": "(합성)",
    "question": "질문",
    "asked by": "답한 실행",
    # below tables
    "What was asked of these models on these photos, and by which run; or the command that asks it.": (
        "이 사진들에서 모델에 던진 질문과 답한 실행. 아직 없으면 답을 구하는 명령."
    ),
    "The audit finds no test photo in training.": "점검에서 학습 사진에 들어 있는 테스트 사진은 발견되지 않았습니다.",
    "The audit finds {findings}.": "점검 결과: {findings}.",
    "size, brightness, sharpness and colour alone name {value:.1f} % [{low:.1f}, {high:.1f}] of {n:,.0f} photos; "
    "chance is {chance:.1f} %": (
        "크기, 밝기, 선명도, 색만으로 사진 {n:,.0f}장 중 {value:.1f} % [{low:.1f}, {high:.1f}]를 맞힙니다. 우연 수준은 {chance:.1f} %입니다"
    ),
    "size, brightness, sharpness and colour alone name {value:.1f} % [{low:.1f}, {high:.1f}] of {n:,.0f} photos, "
    "not shown to be more than chance, {chance:.1f} %": (
        "크기, 밝기, 선명도, 색만으로 사진 {n:,.0f}장 중 {value:.1f} % [{low:.1f}, {high:.1f}]를 맞히며, "
        "우연 수준 {chance:.1f} %보다 높다고 확인되지 않았습니다"
    ),
    "Not tested on {splits}: that needs photos of one person each, and training photos of two people or more of the same case.": (
        "{splits}에서는 검사하지 않았습니다. 한 사람씩 찍힌 사진과, 같은 경우의 두 사람 이상의 학습 사진이 있어야 합니다."
    ),
    "{split}: {note}.": "{split}: {note}.",
    "Top-1 of the photos as they are and of each variant; whiskers: 95 % Wilson intervals, dotted: guessing": (
        "원본 사진과 각 변형의 top-1. 막대: 95 % Wilson 신뢰구간, 점선: 찍었을 때"
    ),
    "Top-1 by severity, 0 being the photos as they are; bands: 95 % Wilson intervals, dashed: the same thing elsewhere": (
        "심각도별 top-1(0은 원본). 띠: 95 % Wilson 신뢰구간, 파선: 같은 것을 다른 곳에 놓았을 때"
    ),
    "Top-1 of parts of each split, each beside that of the rest": "분할의 부분별 top-1과 나머지 사진의 top-1",
    "Maps of what speaks for the answers, and how much of them lies on the face": "답의 근거가 된 곳의 지도와 그중 얼굴에 있는 비율",
    "Top-1 of each test split; brackets: 95 % intervals. Of several seeds: mean ± SD, and the interval is for other seeds too. Bold:"
    " what may be the best of a split; of the rest McNemar's exact test of first seeds shows, at 5 % for all together, that one is better"
    ". Where nothing is bold, no test tells them apart.": (
        "테스트 분할별 top-1. 대괄호: 95 % 신뢰구간. 시드가 여럿이면 시드 평균 ± 표준편차이고, 신뢰구간은 다른 시드까지 고려한 것입니다. "
        "굵은 글씨: 분할에서 가장 좋을 수 있는 값. 나머지는 첫 시드 간 McNemar 정확 검정(전체 5 %)에서 더 나은 것이 있습니다. "
        "굵은 글씨가 없는 분할에서는 검정으로 구별되지 않습니다."
    ),
    "Brackets: 95 % intervals (Wilson for shares of photos, Newcombe for the gap to normal photos, bootstrap over photos for the rest). "
    "In parentheses: the number of photos behind a value, where it is not that of its row.": (
        "대괄호: 95 % 신뢰구간(사진 비율은 Wilson, 일반 사진과의 차이는 Newcombe, 나머지는 사진 단위 부트스트랩). "
        "소괄호: 그 값을 계산한 사진 수가 행의 사진 수와 다를 때의 사진 수."
    ),
    "{note}.": "{note}.",
    "{run}, {note}": "{run}, {note}",
    "{split}: top-1 is at chance level: its 95 % interval of {low:.1f} to {high:.1f} % contains {chance:.1f} %, "
    "as of guessing one of {classes} people": (
        "{split}: top-1이 우연 수준입니다. "
        "95 % 신뢰구간 {low:.1f}–{high:.1f} %가 {classes}명 중 한 명을 찍을 때의 {chance:.1f} %를 포함합니다"
    ),
    "{split}: top-1 is below chance level: its 95 % interval of {low:.1f} to {high:.1f} % ends below {chance:.1f} %, "
    "as of guessing one of {classes} people": (
        "{split}: top-1이 우연 수준보다 낮습니다. "
        "95 % 신뢰구간 {low:.1f}–{high:.1f} %가 {classes}명 중 한 명을 찍을 때의 {chance:.1f} %에 미치지 못합니다"
    ),
    "{split}: top-1 of {n} runs is at chance level or below, {chance:.1f} % as of guessing one of {classes} people": (
        "{split}: 실행 {n}개의 top-1이 {classes}명 중 한 명을 찍을 때의 우연 수준 {chance:.1f} %이거나 그보다 낮습니다"
    ),
    "{split} {n:,}": "{split} {n:,}",
    "{some}, {one}": "{some}, {one}",
    "{n:,} rows": "{n:,}행",
    "{runs:,} runs of {settings:,} settings. Test photos: {photos}.": "설정 {settings:,}개, 실행 {runs:,}개. 테스트 사진: {photos}.",
    "{run}: the people of each test split whom it recognises least, {most} at most, and whom it takes them for most often.": (
        "{run}: 테스트 분할별로 가장 못 알아보는 인물(최대 {most}명)과 가장 자주 착각한 상대."
    ),
    "{run}: whom it takes for whom most often, {most} pairs of each test split at most.": (
        "{run}: 가장 자주 착각한 쌍(테스트 분할별 최대 {most}쌍)."
    ),
    "Photos of the test splits that {models} models name wrongly, that with the surest mistake first: {shown:,} of {photos:,}. With each:"
    " the name given, how sure the model was, and which it was. One seed of each model; of many those with the best validation figures.": (
        "모델 {models}개가 틀린 테스트 사진을 가장 확신한 오답부터 보입니다. 전체 {photos:,}장 중 {shown:,}장. "
        "사진마다 붙인 이름, 확신도, 모델을 적었습니다. 모델마다 시드 하나이며, 모델이 많으면 검증 성적이 가장 좋은 것들입니다."
    ),
    "Software and machine, as the runs wrote them down.": "실행이 기록한 소프트웨어와 기기.",
    "Each run: hashes (the first {digits} digits of SHA-256) of its photos and of its weights, and its training as a command.": (
        "실행별 사진 목록과 가중치의 해시(SHA-256의 앞 {digits}자리), 그리고 학습 명령."
    ),
    "Latency, parameters and FLOPs were not measured of every model: report --cost does.": (
        "지연 시간, 매개변수 수, FLOPs를 재지 않은 모델이 있습니다. report --cost로 잽니다."
    ),
    # cost
    "Accuracy and cost": "정확도와 비용",
    "input": "입력",
    "parameters": "매개변수 수",
    "one photo": "사진 한 장",
    "photos a second": "초당 사진 수",
    "unknown": "알 수 없음",
    "What models cost. FLOPs: for one photo, a multiply-add counts as two, convolutions and matrix products only. Times: from pixels of"
    " the network's size in memory to scores, for one photo and in batches of {batch}, by {engine} on {machine}: median and [quartiles] of"
    " at least {repeats} repeats after {warm_up} that are not counted. A head on frozen features counts with its network. Then top-1,"
    " with 95 % intervals; of several numbers of shots only the most. Bold: on the Pareto front over the time for one photo.": (
        "모델의 비용. FLOPs: 사진 한 장 기준, 곱셈-덧셈은 둘로 세고 합성곱과 행렬 곱만 셉니다. "
        "시간: 신경망 크기로 준비된 메모리 속 픽셀에서 점수까지, 사진 한 장과 {batch}장 묶음, {engine}, {machine}: "
        "예열 {warm_up}회 뒤 {repeats}회 이상 반복한 중앙값과 [사분위수]. 고정된 특징 위의 분류기는 신경망을 포함해 셉니다. "
        "그 옆은 분할별 top-1과 95 % 신뢰구간이고, 학습 사진 수가 여럿이면 가장 많은 것만 보입니다. "
        "굵은 글씨: 사진 한 장 시간에 대한 파레토 경계."
    ),
    "Top-1 over what a model costs, with 95 % intervals. Line and filled marks: the Pareto front, by the point estimates: nothing that"
    " costs as little is as good. Times on {machine}": (
        "모델의 비용에 따른 top-1(95 % 신뢰구간). 선과 채운 표식: 점추정으로 구한 파레토 경계로, "
        "그만큼 싸면서 그만큼 좋은 모델이 없습니다. 시간을 잰 기기: {machine}"
    ),
    "Measured on another machine, and not compared in time: {models}. report --cost measures all of them on one.": (
        "다른 기기에서 재어 시간을 비교하지 않은 모델: {models}. report --cost로 모두 한 기기에서 잴 수 있습니다."
    ),
    "{split}: {leaked} of {photos} photos have a near-duplicate in training; without them top-1 is {free:.1f} %, "
    "so they give {gain:+.1f} pp [{low:.1f}, {high:.1f}]": (
        "{split}: 사진 {photos}장 중 {leaked}장과 거의 같은 사진이 학습에 있습니다. 그것들을 빼면 top-1은 {free:.1f} %이므로 "
        "{gain:+.1f} pp [{low:.1f}, {high:.1f}]를 얻은 셈입니다"
    ),
    "{split}: all {photos} photos have a near-duplicate in training, so top-1 tells nothing of new photos": (
        "{split}: 사진 {photos}장 모두와 거의 같은 사진이 학습에 있으므로, top-1은 새로운 사진에 대해 아무것도 말해 주지 않습니다"
    ),
    # cards
    "Model card: {run}": "모델 카드: {run}",
    "Results": "결과",
    "Intended use and limits": "용도와 한계",
    "Data": "데이터",
    "For comparing classifiers in academic work. It always names one of the people whom it learnt from, and cannot say that somebody is a"
    " stranger, so it must not be used to identify people.": (
        "학술 연구에서 분류기를 비교하기 위한 것입니다. 언제나 학습한 인물 중 한 명의 이름을 대며 모르는 사람이라고 말할 수 없으므로, "
        "사람을 식별하는 데 써서는 안 됩니다."
    ),
    "{splits}: the photos are synthetic, so these numbers say how the tool works, not how well masked people or groups are recognised.": (
        "{splits}: 합성한 사진이므로, 이 수치는 도구의 작동을 보일 뿐, 가린 얼굴이나 단체 사진을 얼마나 알아보는지를 말하지 않습니다."
    ),
    "Photos of each test split as they were scored. The photos are not part of this run; ask who made the dataset for its licence and how"
    " consent was given. A person is taken out with a line of exclude.txt, and the model trained again.": (
        "평가한 테스트 분할별 사진입니다. 사진은 이 실행에 들어 있지 않습니다. 이용 조건과 동의 방식은 데이터를 만든 이에게 확인하십시오. "
        "인물을 빼려면 exclude.txt에 한 줄을 적고 다시 학습합니다."
    ),
    "training photos": "학습 사진 수",
    "trained": "학습한 날",
    "classes": "클래스 수",
    "people": "인물 수",
    "unlabelled": "정답이 없는 사진 수",
    # the page itself
    "Skip to the results": "결과로 건너뛰기",
    "Contents": "목차",
    "among the best": "가장 좋은 값에 속함",
    "on the Pareto front": "파레토 경계에 있음",
    "Split": "분할",
    "Person": "인물",
    "Model": "모델",
    "all": "전체",
    "Confidence at least": "확신도 하한",
    "photos shown": "장의 사진",
    "Show more": "더 보기",
    "Figures that show photos are left out of this page, since it may travel; report --photos puts them in.": (
        "이 페이지는 다른 곳으로 옮겨질 수 있어 사진이 보이는 그림을 뺐습니다. report --photos로 넣을 수 있습니다."
    ),
    "Boxes of {splits} are {finder}'s, which nobody has checked: there mAP and AP tell agreement with {finder}.": (
        "{splits}의 상자는 {finder}가 찾은 것으로 사람이 확인하지 않았습니다. 따라서 그 mAP와 AP는 {finder}와의 일치도입니다."
    ),
    "Classes and confidence. AURC: mean share of wrong answers over all coverages, the surest photos first; ECE: in 15 bins.": (
        "클래스와 확신도. AURC: 확신도가 높은 사진부터 답할 때 모든 응답 범위에 걸친 평균 오답 비율. ECE: 15개 구간."
    ),
    "Top-1 over seeds, in percent; brackets: 95 % interval of the mean, for other seeds and other photos. Few seeds show"
    " little of the spread between them: the interval is wide, and no significance is claimed.": (
        "시드별 top-1(%). 대괄호: 다른 시드와 다른 사진까지 고려한 평균의 95 % 신뢰구간. "
        "시드가 적으면 시드 간 차이가 다 드러나지 않으므로 구간이 넓고, 유의성을 주장하지 않습니다."
    ),
    "{split}: no test between the runs, since they were not scored on the same labelled photos ({where}).": (
        "{split}: 같은 정답 사진으로 평가하지 않아 실행 간 검정을 하지 않았습니다({where})."
    ),
    "McNemar's exact test of top-1 between runs, with Holm's correction over all {tests} tests. A run is called better where its p-value is"
    " below 5 %. Of many pairs those with the smallest p-values on each split are shown; tests.csv has all.": (
        "top-1에 대한 실행 간 McNemar 정확 검정(검정 {tests}개 전체에 Holm 보정). p값이 5 %보다 작을 때만 더 낫다고 적습니다. "
        "쌍이 많으면 분할마다 p값이 가장 작은 것만 보이고, 전부는 tests.csv에 있습니다."
    ),
    "Effective robustness: top-1 on hard photos above what a line fitted to all {models} models on logit axes expects of their top-1 on"
    " normal photos, with bootstrap intervals.": (
        "유효 강건성: 모델 {models}개의 일반 사진 top-1에 로짓 축에서 맞춘 직선이 예상하는 값보다 "
        "어려운 사진 top-1이 얼마나 높은지. 부트스트랩 신뢰구간."
    ),
    "Published results (arXiv:2310.09756), not ours: one seed each, intervals by sizes that were inferred.": (
        "논문(arXiv:2310.09756)에 실린 결과이며 이 도구의 결과가 아닙니다. 시드 하나씩이고, 신뢰구간은 추정한 사진 수로 계산했습니다."
    ),
    "Wrong answers among the photos that a model is surest of": "모델이 가장 확신하는 사진 가운데 오답의 비율",
    "how often it is right, by its confidence": "확신도별 정답 비율",
    "A photo is right for a run that names faces when any face of it is given the labelled person's name first.": (
        "얼굴마다 이름을 붙이는 실행에서는 어느 한 얼굴의 첫 이름이 정답 인물이면 맞힌 사진으로 셉니다."
    ),
    # strangers
    "TPIR: known people's photos that are accepted and named rightly; FPIR: strangers' photos that are accepted. Thresholds are"
    " chosen by photos of other strangers, of the training split: FPIR there is what they then let through. Brackets: 95 % intervals,"
    " people resampled. With n photos of strangers no FPIR below 3/n is claimed. The score is the one with the best OSCR on validation"
    " photos. A group photo of a stranger may show people whom the model knows.": (
        "TPIR: 아는 사람의 사진 가운데 받아들여져 이름을 맞힌 비율. FPIR: 모르는 사람의 사진 가운데 받아들여진 비율. "
        "임곗값은 훈련 분할에 있는 또 다른 모르는 사람들의 사진으로 정하며, 그때의 FPIR은 그 임곗값이 실제로 통과시킨 비율입니다. "
        "대괄호: 사람을 재추출한 95 % 신뢰구간. 모르는 사람의 사진이 n장이면 3/n보다 작은 FPIR은 주장하지 않습니다. "
        "점수는 검증 사진에서 OSCR이 가장 높은 것입니다. 모르는 사람의 단체 사진에는 모델이 아는 사람이 함께 있을 수 있습니다."
    ),
    "OSCR by each score that may reject a photo; a star marks the one that the run goes by, the best on validation photos (val).": (
        "사진을 거절할 수 있는 점수별 OSCR. 별표는 검증 사진(val)에서 가장 좋아 실행이 쓰는 점수입니다."
    ),
    "TPIR over FPIR, with 95 % bands; the mark is what the chosen threshold gives. No FPIR below 3/n is drawn.": (
        "FPIR에 따른 TPIR과 95 % 구간 띠. 표식은 정해진 임곗값의 결과입니다. 3/n보다 작은 FPIR은 그리지 않습니다."
    ),
    "1:1 verification of strangers, beside the main numbers: a hard photo against a normal one, by the cosine of features. TAR: pairs of"
    " one person accepted; FAR: pairs of two. Thresholds are set by the same pairs, so this is the most that any could give.": (
        "참고용 1:1 검증(모르는 사람): 어려운 사진과 일반 사진을 특징 벡터의 코사인으로 비교합니다. TAR: 같은 사람 쌍을 받아들인 비율. "
        "FAR: 다른 사람 쌍을 받아들인 비율. 임곗값을 같은 쌍으로 정하므로 어떤 임곗값으로도 이보다 높을 수 없습니다."
    ),
    # figures
    "No test split has a top-1 to draw.": "top-1을 그릴 테스트 분할이 없습니다.",
    "Accuracy on the test splits of {dataset}": "{dataset} 테스트 분할별 정확도",
    "Top-1 on hard photos against normal ones, with 95 % intervals; on the diagonal nothing is lost. Lines join shots": (
        "일반 사진 top-1에 따른 어려운 사진 top-1(95 % 신뢰구간). 대각선에서는 잃는 것이 없습니다. 선은 학습 사진 수가 다른 것을 잇습니다"
    ),
    "Training curves, on {datasets}": "학습 곡선({datasets})",
    "Top-1 by training photos of each person; whiskers: 95 % intervals": "1인당 학습 사진 수에 따른 Top-1. 수염: 95 % 신뢰구간",
    "{title}: {said}": "{title}: {said}",
    "{run} on {split}": "{run}, {split}",
    "Face detector and {run} on {split}": "얼굴 탐지기와 {run}, {split}",
    "Identity detector {run} on {split}": "인물 탐지기 {run}, {split}",
    "{split} of {dataset}": "{dataset}의 {split}",
    "{split} (synthetic)": "{split}(합성)",
    "recall of each person": "인물별 재현율",
    "who was taken for whom": "누구를 누구로 착각했는지",
    "Nobody was taken for somebody else.": "다른 사람으로 착각한 사진이 없습니다.",
    "Nobody was taken for the same other person more than once: {n:,} pairs were confused once each.": (
        "같은 사람으로 두 번 이상 착각한 경우는 없습니다. {n:,}쌍을 한 번씩 착각했습니다."
    ),
    "Nobody was taken for the same other person more than once: one pair was confused once.": (
        "같은 사람으로 두 번 이상 착각한 경우는 없습니다. 한 쌍을 한 번 착각했습니다."
    ),
    "No mistake stands out: {n:,} pairs of people were confused {times} times each, and none more often.": (
        "두드러진 착각은 없습니다. {n:,}쌍을 {times}번씩 착각했고 그보다 잦은 쌍은 없습니다."
    ),
    "The one person was recognised in {right} of {photos}.": "한 명뿐인 인물을 {photos} 중 {right}장에서 맞혔습니다.",
    "Each of the {people:,} people was recognised in {right} of {photos}.": "{people:,}명 모두 {photos} 중 {right}장에서 맞혔습니다.",
    "{n} photo": "사진 {n}장",
    "{n} photos": "사진 {n}장",
    "{dataset}: test photos of each case, one person a column": "{dataset}: 경우별 테스트 사진, 열마다 한 사람",
    "{title}; photos spread evenly over the split, none picked by hand": (
        "{title}. 사진은 분할 전체에서 고르게 뽑았으며 손으로 고르지 않았습니다"
    ),
    "no font here has every letter of {names}: drawn as the name of the folder": (
        "글꼴에 없는 글자가 있어 폴더 이름으로 그렸습니다: {names}"
    ),
    "no font here has every letter of {names}: drawn with a hollow square for each missing one": (
        "글꼴에 없는 글자는 빈 네모로 그렸습니다: {names}"
    ),
}
IN_A_CELL = re.compile(r"^seed(?= \d)|^(normal|hard|group)(?= \(synthetic\)$)|\(synthetic\)")


def said(text: str) -> str:
    """A sentence in Korean, and those in it; a text of the user's stays as it is."""
    if not isinstance(text, Sentence):
        return text
    values = {name: said(value) if isinstance(value, str) else value for name, value in text.values.items()}
    return KOREAN[text.template].format(**values)


def cell(text: str) -> str:
    """A cell or a heading of a table."""
    return KOREAN.get(text) or IN_A_CELL.sub(lambda found: KOREAN[found[0]], text)
