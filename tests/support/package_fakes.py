"""Small packages of the shape that the generators of catalogs read, written into a folder."""

from pathlib import Path

METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: 9.9\n"

ULTRALYTICS = {
    "ultralytics/__init__.py": "",
    "ultralytics/cfg/__init__.py": "",
    "ultralytics/cfg/models/11/yolo11.yaml": """\
nc: 80
scales: {n: [0.5, 0.25, 1024], s: [0.5, 0.5, 1024]}
backbone: [[-1, 1, Conv, [8, 3, 2]]]
head: [[-1, 1, Detect, [nc]]]
""",
    "ultralytics/cfg/models/11/yolo11-cls.yaml": """\
nc: 1000
scales: {n: [0.5, 0.25, 1024]}
backbone: [[-1, 1, Conv, [8, 3, 2]]]
head: [[-1, 1, Classify, [nc]]]
""",
    "ultralytics/cfg/models/11/yolo11-cls-resnet18.yaml": """\
nc: 1000
backbone: [[-1, 1, TorchVision, [512, resnet18, DEFAULT, true, 2]]]
head: [[-1, 1, Classify, [nc]]]
""",
    "ultralytics/cfg/models/11/yoloe-11-seg.yaml": """\
nc: 80
scales: {n: [0.5, 0.25, 1024]}
backbone: [[-1, 1, Conv, [8, 3, 2]]]
head: [[-1, 1, YOLOESegment, [nc]]]
""",
    "ultralytics/cfg/models/v8/yolov8-world.yaml": """\
nc: 80
scales: {s: [0.5, 0.25, 1024]}
backbone: [[-1, 1, Conv, [8, 3, 2]]]
head: [[-1, 1, WorldDetect, [nc]]]
""",
    "ultralytics/cfg/models/v5/yolov5.yaml": """\
nc: 80
scales: {n: [0.5, 0.25, 1024]}
backbone: [[-1, 1, Conv, [8, 3, 2]]]
head: [[-1, 1, Detect, [nc]]]
""",
    "ultralytics/cfg/models/v5/yolov5-p6.yaml": """\
nc: 80
scales: {n: [0.5, 0.25, 1024]}
backbone: [[-1, 1, Conv, [8, 3, 2]]]
head: [[-1, 1, Detect, [nc]]]
""",
    "ultralytics/cfg/models/rt-detr/rtdetr-l.yaml": """\
nc: 80
scales: {l: [1.0, 1.0, 1024]}
backbone: [[-1, 1, Conv, [8, 3, 2]]]
head: [[-1, 1, RTDETRDecoder, [nc]]]
""",
    "ultralytics/cfg/datasets/coco.yaml": "names: {0: person, 1: car}\n",
    "ultralytics/cfg/datasets/ImageNet.yaml": "names: {0: a, 1: b, 2: c}\n",
    "ultralytics/cfg/datasets/open-images-v7.yaml": "names: {0: a, 1: b, 2: c, 3: d}\n",
    "ultralytics/utils/__init__.py": """\
import yaml


class YAML:
    @staticmethod
    def load(file):
        return yaml.safe_load(file.read_text())
""",
    "ultralytics/utils/downloads.py": """\
GITHUB_ASSETS_NAMES = frozenset({
    "yolo11n.pt", "yolo11n-cls.pt", "yolo11n-oiv7.pt", "yoloe-11n-seg-pf.pt", "rtdetr-l.pt",
    "yolov8s-world.pt", "yolov5nu.pt", "yolov5n6u.pt", "sam_b.pt", "yolo11n-reid.onnx",
})


def attempt_download_asset(file, repo="ultralytics/assets", release="v9.9.9", **kwargs):
    raise AssertionError("nothing may be downloaded")
""",
    "ultralytics/nn/__init__.py": "",
    "ultralytics/nn/tasks.py": """\
import os

import torch

assert os.environ["YOLO_OFFLINE"] == "true"


def guess_model_task(described):
    head = described["head"][-1][-2].lower()
    for mark, task in (("classify", "classify"), ("segment", "segment"), ("detect", "detect")):
        if mark in head:
            return task
    return None


class Head(torch.nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.stride = torch.tensor([8.0, 64.0])
        self.layer = torch.nn.Conv2d(8, classes, 1)

    def forward(self, features):
        assert float(self.stride.max()) == 64
        return self.layer(features)


class DetectionModel(torch.nn.Module):
    def __init__(self, cfg, nc=None, verbose=True):
        super().__init__()
        weights = [a for *_, arguments in cfg["backbone"] for a in arguments]
        assert "DEFAULT" not in weights, "these would be downloaded"
        assert isinstance(cfg["scale"], str) and cfg["yaml_file"].endswith(".yaml")
        backbone = torch.nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.model = torch.nn.Sequential(backbone, Head(nc or cfg["nc"]))
        self.stride = self.model[-1].stride

    def _apply(self, function):
        self.model[-1].stride = function(self.model[-1].stride)
        return super()._apply(function)

    def forward(self, images):
        return self.model(images)


class ClassificationModel(DetectionModel):
    pass


class SegmentationModel(DetectionModel):
    pass


class YOLOESegModel(DetectionModel):
    pass


YOLOEModel = WorldModel = RTDETRDetectionModel = DetectionModel
PoseModel = OBBModel = DepthModel = SemanticSegmentationModel = DetectionModel
""",
    "ultralytics-9.9.dist-info/METADATA": METADATA.format("ultralytics"),
}

TRANSFORMERS = {
    "transformers/initialization.py": "",
    "transformers/modeling_outputs.py": "ImageSuperResolutionOutput = None",
    "transformers/__init__.py": """\
import types

import torch


class Configuration:
    def __init__(self, family, labels):
        self.family, self.num_labels, self.image_size = family, labels, 224
        self.model_type = family


class AutoConfig:
    @staticmethod
    def for_model(family, num_labels=2, **settings):
        return Configuration(family, num_labels)

    @staticmethod
    def register(family, config, exist_ok):
        pass


class AutoModelForObjectDetection(torch.nn.Module):
    @classmethod
    def from_config(cls, config):
        return cls(config)

    def __init__(self, config):
        super().__init__()
        self.head = torch.nn.Conv2d(3, config.num_labels, 1, stride=16)
        self.family, self.config = config.family, config

    def forward(self, pixel_values, **text):
        if pixel_values.shape[-1] < 48:
            raise RuntimeError("selected index k out of range")
        return self.head(pixel_values)


def __getattr__(name):
    if name.startswith("AutoModelFor"):
        return AutoModelForObjectDetection
    raise AttributeError(name)
class AutoModelForImageToImage(AutoModelForObjectDetection):
    @staticmethod
    def register(config, network, exist_ok):
        pass

    def forward(self, pixel_values):
        return self.head(pixel_values)


class AutoModelForImageClassification(AutoModelForObjectDetection):
    def forward(self, pixel_values, interpolate_pos_encoding=False):
        return self.head(pixel_values)


class AutoModelForDepthEstimation(AutoModelForObjectDetection):
    def forward(self, pixel_values):
        super().forward(pixel_values)
        return types.SimpleNamespace(predicted_depth=pixel_values[:, 0])


class PreTrainedConfig:
    pass


class PreTrainedModel(torch.nn.Module):
    pass


class ViTForImageClassification(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.head = torch.nn.Linear(10, config.num_labels)


class TextForCausalLM(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.head = torch.nn.Linear(1000, 1000, bias=False)


class BrokenForDepthEstimation:
    def __init__(self, config):
        raise ValueError("needs what is not here")
""",
    "transformers/models/__init__.py": "",
    "transformers/models/auto/__init__.py": "",
    "transformers/models/auto/configuration_auto.py": """\
CONFIG_MAPPING_NAMES = {
    "vit": "ViTConfig",
    "vit-part": "ViTPartConfig",
    "text": "TextConfig",
    "broken": "BrokenConfig",
    "trocr": "TrOCRConfig",
    "vision-encoder-decoder": "VisionEncoderDecoderConfig",
}


def model_type_to_module_name(family):
    return {"vit-part": "vit"}.get(family, family.replace("-", "_"))
""",
    "transformers/models/auto/modeling_auto.py": """\
MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES = {"vit": ("ViTForImageClassification", "ViTOther")}
MODEL_FOR_CAUSAL_LM_MAPPING_NAMES = {"text": "TextForCausalLM", "trocr": "TrOCRForCausalLM"}
MODEL_FOR_DEPTH_ESTIMATION_MAPPING_NAMES = {"broken": "BrokenForDepthEstimation"}
MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES = {
    "vision-encoder-decoder": "VisionEncoderDecoderModel"
}
MODEL_FOR_OBJECT_DETECTION_MAPPING_NAMES = {}
MODEL_FOR_INSTANCE_SEGMENTATION_MAPPING_NAMES = {}
MODEL_FOR_UNIVERSAL_SEGMENTATION_MAPPING_NAMES = {}
MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES = {}
MODEL_FOR_POSE_ESTIMATION_MAPPING_NAMES = {}
MODEL_FOR_IMAGE_TO_IMAGE_MAPPING_NAMES = {}
MODEL_FOR_TEXT_RECOGNITION_MAPPING_NAMES = {}
MODEL_FOR_VISUAL_QUESTION_ANSWERING_MAPPING_NAMES = {}
""",
    "transformers/models/vit/configuration_vit.py": """\
@auto_docstring(checkpoint="acme/vit-base")
@strict
class ViTConfig(PreTrainedConfig):
    pass


@auto_docstring(checkpoint="acme/vit-part")
class ViTPartConfig(PreTrainedConfig):
    pass
""",
    "transformers/models/vit/modeling_vit.py": """\
class ViTForImageClassification:
    '''
    >>> processor = AutoImageProcessor.from_pretrained("acme/vit-small")
    >>> model = ViTForImageClassification.from_pretrained(
    ...     "acme/vit-large"
    ... )
    >>> tokenizer = AutoTokenizer.from_pretrained("acme/words-alone")
    >>> model = ViTForImageClassification.from_pretrained("hf-internal-testing/tiny")
    >>> model = Foreign.from_pretrained("acme/foreign")
    >>> checkpoint = "acme/vit-tiny"
    '''
""",
    "transformers/models/vit/image_processing_vit.py": """\
# This file was automatically generated from another.
# ViTProcessor.from_pretrained("acme/vit_renamed_r50")
""",
    "transformers/models/text/configuration_text.py": """\
@auto_docstring(checkpoint="acme/text-1m")
class TextConfig(PreTrainedConfig):
    pass
""",
    "transformers/models/text/modeling_text.py": """\
class TextModel:
    # TextModel.from_pretrained("acme/text-nameless")
    # TextForCausalLM.from_pretrained("acme/text-7b")
    pass
""",
    "transformers/models/broken/configuration_broken.py": """\
@auto_docstring(checkpoint="acme/broken-depth")
class BrokenConfig(PreTrainedConfig):
    pass
""",
    "transformers/models/trocr/configuration_trocr.py": """\
@auto_docstring(checkpoint="acme/trocr-base")
class TrOCRConfig(PreTrainedConfig):
    pass
""",
    "transformers/models/vision_encoder_decoder/modeling_vision_encoder_decoder.py": "",
    "transformers-9.9.dist-info/METADATA": METADATA.format("transformers"),
}


def written(folder: Path, files: dict[str, str]) -> Path:
    """Write the files of a package into a folder, which is then returned."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
