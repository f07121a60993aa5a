# make benchmark: install into .venv and run the main job on the built-in faces.   make test: install and run the tests.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: benchmark test lint fuzz docs figures matrix trust drawn strangers where precision
.SECONDARY:  # runs are nobody's to remove

benchmark: .venv/installed
	$(BIN)/yolo_koin benchmark --data sample --sizes n

test: .venv/installed-dev
	$(BIN)/python -m pytest

fuzz: .venv/installed-dev  # 3,000 photos and 1,000 other files that are nearly right: half an hour
	$(BIN)/python -m tests.fuzz

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/installed-dev  # the pages of docs/ as a site in site/, for a web server of any kind or straight from disk; GitHub shows docs/ as it is
	$(BIN)/python -m docs.reference
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

figures: benchmark runs/evaluate/sample-faces/metrics.csv runs/evaluate/sample-detect/metrics.csv trust drawn  # what the README shows
	$(BIN)/yolo_koin report sample sample-faces sample-detect --out resources
	cp runs/benchmark/sample/cells/yolov8n-cls-normal-seed0-*/predictions.csv resources/
	cp runs/evaluate/sample-faces/predictions.csv resources/predictions-faces.csv
	cp runs/evaluate/sample-detect/predictions.csv resources/predictions-detect.csv
	cp runs/evaluate/sample-detect/truth.csv resources/

MATRIX := runs/benchmark/sample-matrix

matrix: .venv/installed-dev  # the table of models and the shots curve: 80 trainings
	$(BIN)/yolo_koin benchmark --config configs/sample.yaml
	cp $(MATRIX)/figures/shots.png resources/
	cp $(MATRIX)/figures/overview.csv resources/overview-matrix.csv
	grep -E '^run,|,top1,' $(MATRIX)/results.csv > resources/results-matrix.csv
	(echo run,split,image,true_label,pred_1,true_rank; for cell in $(MATRIX)/cells/*; do \
		tail -n +2 $$cell/predictions.csv | cut -d, -f1-4,14 | sed "s/^/$$(basename $$cell),/"; done) | gzip -9n > resources/predictions-matrix.csv.gz

trust: runs/train/n-normal/weights/best.pt  # how far its numbers can be trusted; of the predictions as much as those numbers need
	rm -rf runs/stress/sample runs/control/sample
	$(BIN)/yolo_koin stress --weights $< --name sample
	$(BIN)/yolo_koin control --weights $< --name sample
	cp runs/stress/sample/stress.png runs/control/sample/erased_face.png resources/
	for verb in stress control; do cut -d, -f1-4,14 runs/$$verb/sample/predictions.csv | gzip -9n > resources/predictions-$$verb.csv.gz; done

drawn: trust  # hard cases drawn on training photos: all kinds, and all but one
	rm -rf runs/train/drawn runs/train/without-* runs/stress/drawn runs/stress/without-*
	$(BIN)/yolo_koin train --data sample --hardcases 0.5 --name drawn
	$(BIN)/yolo_koin stress --weights drawn --reference sample --name drawn
	for left in mask sunglasses hat; do \
		kinds=$$(echo mask,sunglasses,hat,hand,light | sed "s/$$left,//"); \
		$(BIN)/yolo_koin train --data sample --hardcases 0.5 --hardcase-kinds $$kinds --name without-$$left && \
		$(BIN)/yolo_koin stress --weights without-$$left --kind $$left --reference sample --name without-$$left || exit 1; \
	done
	for run in drawn without-mask without-sunglasses without-hat; do \
		cut -d, -f1-4,14 runs/stress/$$run/predictions.csv | gzip -9n > resources/predictions-$$run.csv.gz; \
	done

WHERE := n-224 lite0-probe

where: $(WHERE:%=runs/train/where-%/manifest.json)  # what docs/where-it-looks.md shows
	rm -rf $(foreach run,$(WHERE:%=where-%),runs/predict/$(run) runs/evaluate/$(run))
	for model in $(WHERE); do run=where-$$model; \
		$(BIN)/yolo_koin predict normal_cases/test hard_cases/test group_cases/test --explain --weights $$run --name $$run && \
		$(BIN)/yolo_koin evaluate --segments --weights $$run --name $$run && \
		gzip -9nc runs/predict/$$run/explained.csv > resources/explained-$$model.csv.gz && \
		gzip -9nc runs/evaluate/$$run/segments.csv > resources/segments-$$model.csv.gz || exit 1; \
	done
	cp runs/predict/where-n-224/where_it_looks.png resources/
	cp runs/evaluate/where-lite0-probe/segments.png resources/weak_segments.png

SEEDS := 0 1 2 3 4

precision: .venv/installed  # trainings in bfloat16, where the processor has it, against 32 bits
	for seed in $(SEEDS); do for bits in 16 32; do \
		asked=$$(test $$bits = 16 && echo auto || echo full); run=precision-$$bits-$$seed; rm -rf runs/*/$$run; \
		$(BIN)/yolo_koin train --data sample --seed $$seed --precision $$asked --name $$run && \
		$(BIN)/yolo_koin evaluate --weights $$run --name $$run || exit 1; \
	done; done
	(echo bits,seed,split,image,true_label,true_rank; for seed in $(SEEDS); do for bits in 16 32; do \
		tail -n +2 runs/evaluate/precision-$$bits-$$seed/predictions.csv | cut -d, -f1-3,14 | sed "s/^/$$bits,$$seed,/"; done; done) | \
		gzip -9n > resources/predictions-precision.csv.gz

runs/train/where-n-224/manifest.json: .venv/installed-dev
	$(BIN)/yolo_koin train --data sample --imgsz 224 --name where-n-224

runs/train/where-lite0-probe/manifest.json: .venv/installed-dev
	$(BIN)/yolo_koin train --data sample --model timm:tf_efficientnet_lite0 --method probe --name where-lite0-probe

runs/train/n-normal/weights/best.pt: .venv/installed
	$(BIN)/yolo_koin train --data sample --name n-normal

STRANGERS := yolov8n yolov8n-unsmoothed lite0-probe lite0-ncm

strangers: $(STRANGERS:%=resources/strangers-%.csv.gz)  # what the README shows of them: 24 trainings
	$(BIN)/yolo_koin report yolov8n-strangers lite0-probe-strangers lite0-ncm-strangers --out runs/report/strangers
	cp runs/report/strangers/strangers.png resources/

resources/strangers-%.csv.gz: runs/evaluate/%-strangers/metrics.csv
	gzip -9nc $(<D)/predictions.csv > $@

runs/evaluate/%-strangers/metrics.csv: runs/train/%/manifest.json
	$(BIN)/yolo_koin evaluate --strangers 0.2 --weights $*

runs/train/yolov8n/manifest.json: .venv/installed-dev
	$(BIN)/yolo_koin train --data sample --size n --name yolov8n

runs/train/yolov8n-unsmoothed/manifest.json: .venv/installed-dev
	$(BIN)/yolo_koin train --data sample --size n --label-smoothing 0 --name yolov8n-unsmoothed

runs/train/lite0-%/manifest.json: .venv/installed-dev
	$(BIN)/yolo_koin train --data sample --model timm:tf_efficientnet_lite0 --method $* --name lite0-$*

runs/evaluate/sample-faces/metrics.csv: runs/train/sample-face/weights/best.pt
	rm -rf $(@D)
	$(BIN)/yolo_koin evaluate --faces --weights $< --name sample-faces

runs/evaluate/sample-detect/metrics.csv: runs/train/sample-detect/weights/best.pt
	rm -rf $(@D)
	$(BIN)/yolo_koin evaluate --task detect --weights $< --name sample-detect

runs/train/sample-face/weights/best.pt: .venv/installed
	$(BIN)/yolo_koin train --data sample --fit face --name sample-face

runs/train/sample-detect/weights/best.pt: runs/train/sample-face/weights/best.pt
	$(BIN)/yolo_koin train --data sample --task detect --weights sample-face --name sample-detect

.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@
