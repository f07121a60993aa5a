"""What each verb is asked for: one frozen spec a verb, every option written once, checked once. Imports nothing heavy.

A field's annotation holds its type, what it means and its bounds; the command line's options are made of it. A spec that exists is a spec
that makes sense: what does not is a :class:`~yolo_koin.errors.UsageError` that names the field (``epochs=0``), which the command line
shows as the option (``--epochs 0``).
"""

from __future__ import annotations

from yolo_koin.specs.datasets import AuditSpec as AuditSpec
from yolo_koin.specs.datasets import ConvertDetectSpec as ConvertDetectSpec
from yolo_koin.specs.datasets import ConvertSpec as ConvertSpec
from yolo_koin.specs.datasets import HardcasesSpec as HardcasesSpec
from yolo_koin.specs.datasets import SampleSpec as SampleSpec
from yolo_koin.specs.datasets import SplitSpec as SplitSpec
from yolo_koin.specs.naming import Answers as Answers
from yolo_koin.specs.naming import Asks as Asks
from yolo_koin.specs.naming import ControlSpec as ControlSpec
from yolo_koin.specs.naming import DemoSpec as DemoSpec
from yolo_koin.specs.naming import EvaluateSpec as EvaluateSpec
from yolo_koin.specs.naming import ExportSpec as ExportSpec
from yolo_koin.specs.naming import Names as Names
from yolo_koin.specs.naming import PredictSpec as PredictSpec
from yolo_koin.specs.naming import ReportSpec as ReportSpec
from yolo_koin.specs.naming import RunsSpec as RunsSpec
from yolo_koin.specs.naming import ScoreSpec as ScoreSpec
from yolo_koin.specs.naming import StressSpec as StressSpec
from yolo_koin.specs.shared import AUTO as AUTO
from yolo_koin.specs.shared import SAMPLE as SAMPLE
from yolo_koin.specs.shared import SCRATCH as SCRATCH
from yolo_koin.specs.shared import Engine as Engine
from yolo_koin.specs.shared import Fit as Fit
from yolo_koin.specs.shared import Format as Format
from yolo_koin.specs.shared import Kind as Kind
from yolo_koin.specs.shared import Language as Language
from yolo_koin.specs.shared import Log as Log
from yolo_koin.specs.shared import Method as Method
from yolo_koin.specs.shared import OfData as OfData
from yolo_koin.specs.shared import Precision as Precision
from yolo_koin.specs.shared import Spec as Spec
from yolo_koin.specs.shared import Swept as Swept
from yolo_koin.specs.shared import Task as Task
from yolo_koin.specs.shared import TrainingSet as TrainingSet
from yolo_koin.specs.shared import Way as Way
from yolo_koin.specs.training import TUNES as TUNES
from yolo_koin.specs.training import BenchmarkSpec as BenchmarkSpec
from yolo_koin.specs.training import Trains as Trains
from yolo_koin.specs.training import TrainSpec as TrainSpec
