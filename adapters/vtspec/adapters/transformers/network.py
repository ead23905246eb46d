"""A network of Transformers for a job: its configuration, built for the classes, with weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.data.json_source import parse_class_names
from vtspec.adapters.suggestions import suggest_fix

from .architectures import ARCHITECTURES, describe_architecture
from .families import Family
from .params import list_family_params
from .tasks import get_part

if TYPE_CHECKING:
    import torch


def build_network(job: Job, on_warning: Callable[[str], None]) -> torch.nn.Module:
    """The job's network on the CPU, drawn from PyTorch's random state where not loaded.

    Start weights with a head for other classes get a new one; `on_warning` tells.

    Raises:
        AdapterError: there is no such architecture or it cannot be trained; weights that do not
            fit or cannot be fetched; a param that the model does not take.
    """
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model, (config, published) = job.model, _configure(job)
    family = get_family(job, config)
    try:
        # Drawn also where weights are loaded: heads for other classes keep what is drawn here.
        network = _get_auto_class(family).from_config(config)
    except (ValueError, TypeError, ImportError, RuntimeError, AssertionError) as error:
        raise AdapterError(
            f"transformers cannot build {model.name}: {_first_line(error)}", "check params"
        ) from error
    if model.hub_id is not None:
        _load_from_hub(network, family, published, job, on_warning)
    # DETR's class keeps the first layers of its backbone as they are, drawn at random or not;
    # what learns is for `training.freeze` to say.
    for name, parameter in network.named_parameters():
        if ".backbone." in name:
            parameter.requires_grad_(True)
    if model.weights is not None:
        _load_file(network, family, job, on_warning)
    broken = [name for name, one in network.named_parameters() if not one.isfinite().all()]
    if broken:
        raise AdapterError(
            f"'{broken[0]}' holds what is no number, which nothing can be trained from",
            "give other weights, or leave model.weights out",
        )
    _check_forward(network, family, job)
    return network  # type: ignore[no-any-return]


def get_family(job: Job, config: Any) -> Family:
    """What is known of the family that a configuration is of, in the job's task.

    Raises:
        AdapterError: nothing is.
    """
    families = get_part(job.task).families
    family = families.get(config.model_type)
    if family is None:
        raise AdapterError(
            f"{job.model.name} is of the family {config.model_type}, whose training for "
            f"{job.task.value} is not there yet",
            f"take a model of {', '.join(families)}",
        )
    return family


def freeze(model: torch.nn.Module, family: Family, job: Job) -> list[torch.nn.Module]:
    """Stop the weights that `training.freeze` names from learning; the batch norms whose
    statistics must stay put, for the caller to keep in `eval()` mode.

    `backbone` is what its family calls the part before all heads; names of modules stand for
    themselves and all beneath them.

    Raises:
        AdapterError: a name is no module of the model, or nothing is there to freeze or to learn.
    """
    from torch.nn.modules.batchnorm import _BatchNorm

    modules = dict(model.named_modules())
    norms = {name: one for name, one in modules.items() if isinstance(one, _BatchNorm)}
    prefixes = _list_frozen(modules, family, job)

    def is_frozen(name: str) -> bool:
        return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)

    for name, parameter in model.named_parameters():
        if is_frozen(name):
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise AdapterError("training.freeze leaves nothing to learn", "freeze fewer modules")
    if job.params["freezeBatchNorm"] and not norms:
        raise AdapterError(
            f"params.freezeBatchNorm: {job.model.name} has no batch norms that learn statistics",
            "leave out params.freezeBatchNorm",
        )
    every = job.params["freezeBatchNorm"]
    return [norm for name, norm in norms.items() if every or is_frozen(name)]


def _list_frozen(modules: dict[str, Any], family: Family, job: Job) -> tuple[str, ...]:
    what = job.training.freeze
    if what == "none":
        return ()
    if what == "backbone":
        found = tuple(name for name in modules if name.split(".")[-1] == family.backbone)[:1]
        if not found:
            raise AdapterError(
                f"training.freeze: {job.model.name} has no backbone of its own",
                f"name modules of it, such as {_list_tops(modules)}",
            )
        return found
    for prefix in what:
        if prefix not in modules:
            fix = suggest_fix(prefix, list(modules), f"name one of {_list_tops(modules)}")
            raise AdapterError(f"training.freeze: the model has no module '{prefix}'", fix)
    return tuple(what)


def _configure(job: Job) -> tuple[Any, list[str]]:
    """The configuration for the job's classes, and the classes that it had."""
    import torch
    from transformers import AutoConfig

    name = job.model.name
    get_part(job.task).register_classes()
    try:
        if job.model.configuration is not None:
            hub_id, revision = job.model.configuration
            config = AutoConfig.from_pretrained(hub_id, revision=revision, trust_remote_code=False)
        elif name in ARCHITECTURES:
            config = describe_architecture(name)
        else:
            raise ValueError("the plan pins none")
    except (OSError, ValueError, KeyError) as error:
        raise AdapterError(
            f"the configuration of {name} cannot be had: {_first_line(error)}",
            "check the network, or take a model of vtspec/: vtspec models search vtspec",
        ) from error
    part, family = get_part(job.task), get_family(job, config)
    settings = _translate_params(job, family, config.model_type)
    published = list((config.id2label or {}).values())
    if part.has_classes:
        classes = job.dataset.classes
        settings["id2label"] = dict(enumerate(classes))
        settings["label2id"] = {label: index for index, label in enumerate(classes)}
    # Its own way of freezing replaces the layers; `freezeBatchNorm` keeps their statistics.
    if hasattr(config, "freeze_backbone_batch_norms"):
        settings["freeze_backbone_batch_norms"] = False
    # Weights come from where the plan says, and from nowhere else.
    if hasattr(config, "use_pretrained_backbone"):
        settings["use_pretrained_backbone"] = False
    for setting, value in settings.items():
        setattr(config, setting, value)
    part.configure(config, job)
    # Published in half precision or not, it is trained from float32, in `training.precision`.
    config.dtype = torch.float32
    return config, published


def _translate_params(job: Job, family: Family, kind: str) -> dict[str, Any]:
    """The configuration's settings that the params stand for."""
    settings: dict[str, Any] = {}
    for param in list_family_params(get_part(job.task)):
        value = job.params[param]
        if value is None:
            continue
        name = family.settings.get(param)
        if name is None:
            raise AdapterError(
                f"params.{param}: models of {kind} have no such setting",
                f"leave out params.{param}",
            )
        settings[name] = value
    return settings


def _get_auto_class(family: Family) -> Any:
    import transformers

    return getattr(transformers, family.auto_class)


def _load_from_hub(
    network: Any,
    family: Family,
    published: Sequence[str],
    job: Job,
    on_warning: Callable[[str], None],
) -> None:
    import torch

    hub_id = job.model.hub_id
    # A plan pins one; this keeps a hand-made job from training on what a hub changes.
    if job.model.hub_revision is None:
        raise AdapterError(
            f"weights {hub_id} without a revision could change under the run",
            f"write hf-hub:{hub_id}@REVISION",
        )
    try:
        found, told = _get_auto_class(family).from_pretrained(
            hub_id,
            revision=job.model.hub_revision,
            config=network.config,
            dtype=torch.float32,
            # Heads for other classes are drawn anew.
            ignore_mismatched_sizes=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise AdapterError(
            f"weights {hub_id} cannot be fetched or do not fit: {_first_line(error)}",
            "check the network, or name a .safetensors file under model.weights",
        ) from error
    # Counters of batch norms, which older checkpoints lack, decide nothing.
    missing = {name for name in told["missing_keys"] if not name.endswith("num_batches_tracked")}
    missing |= {key[0] for key in told["mismatched_keys"]}
    wrong = [name for name in sorted(missing) if not _is_of_head(name, family)]
    _refuse_misfit(str(hub_id), wrong, job)
    # A head says for each of its rows which class it is, and nothing else does.
    other = bool(family.heads) and list(published) != list(job.dataset.classes)
    if other:
        on_warning(f"{hub_id} was trained for other classes: the heads start at random")
    loaded = found.state_dict()
    own = network.state_dict()
    network.load_state_dict(
        {name: own[name] if other and _is_of_head(name, family) else loaded[name] for name in own}
    )


def _load_file(network: Any, family: Family, job: Job, on_warning: Callable[[str], None]) -> None:
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    weights = job.model.weights
    assert weights is not None

    try:
        with safe_open(weights, framework="pt") as file:
            named = (file.metadata() or {}).get("classes")
        tensors = load_file(weights)
    except (SafetensorError, OSError) as error:
        raise AdapterError(
            f"{weights} is not readable as safetensors: {error}", "give another file of weights"
        ) from error
    own = network.state_dict()
    # Of layers that are one under two names, others than we write files with one of them.
    known = {own[name].data_ptr(): tensor for name, tensor in tensors.items() if name in own}
    for name, tensor in own.items():
        if name not in tensors and tensor.data_ptr() in known:
            tensors[name] = known[tensor.data_ptr()]
    other = named is not None and parse_class_names(named, weights) != list(job.dataset.classes)
    fresh = [
        name
        for name, tensor in own.items()
        if (name in tensors and tensors[name].shape != tensor.shape)
        or (other and _is_of_head(name, family))
    ]
    wrong = [name for name in fresh if not _is_of_head(name, family)]
    wrong += [name for name in own if name not in tensors]
    _refuse_misfit(str(weights), wrong + [name for name in tensors if name not in own], job)
    if fresh:
        on_warning(f"{weights.name} was trained for other classes: the heads start at random")
    elif named is None and family.heads:
        on_warning(f"{weights.name} does not say its classes: its heads are kept as they are")
    network.load_state_dict({**tensors, **{name: own[name] for name in fresh}})


def _is_of_head(name: str, family: Family) -> bool:
    return any(part in name for part in family.heads)


def _refuse_misfit(weights: str, wrong: list[str], job: Job) -> None:
    if wrong:
        raise AdapterError(
            f"{weights} does not fit {job.model.name}: '{wrong[0]}' is missing, is not of it or "
            "of another shape",
            "take weights of this very model, or leave model.weights out",
        )


def _check_forward(network: Any, family: Family, job: Job) -> None:
    import torch

    height, width = job.training.image_size
    network.eval()
    try:
        with torch.no_grad():
            get_part(job.task).run_once(network, torch.zeros(1, 3, height, width))
    except (RuntimeError, ValueError, AssertionError, IndexError) as error:
        step = family.size_step if family.size_step > 1 else 32
        raise AdapterError(
            f"{job.model.name} does not take images of {height} by {width} pixels: "
            f"{_first_line(error)}",
            f"set training.imageSize to multiples of {step}, such as {640 // step * step}",
        ) from error
    finally:
        network.train()


def _list_tops(modules: dict[str, Any]) -> str:
    return ", ".join(name for name in modules if name and name.count(".") < 2)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
