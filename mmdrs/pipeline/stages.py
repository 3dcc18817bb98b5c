"""The stages: what each is called, what it is made of, and what it needs of the others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from mmdrs.errors import InputError, did_you_mean

Kind = Literal[
    'train', 'maps', 'choice', 'foreground', 'labels', 'test', 'self_maps', 'self_labels'
]
#: Values of ``refine_from`` in the settings.
RefineFrom = Literal['better', 'drs_maps', 'plain_maps']
#: Values of ``labels_from`` in the settings.
LabelsFrom = Literal['refined_maps', 'drs_maps', 'plain_maps']
#: Values of ``segmentation_from`` in the settings.
SegmentationFrom = Literal['pretrained', 'plain_classifier']


@dataclass(frozen=True)
class Stage:
    """One stage of the pipeline.

    Attributes:
        name: Its name: in ``--from`` and ``--to``, and of its folder in the work directory.
        kind: ``train`` a network, make ``maps`` with it, make a ``choice`` between maps, make
            saliency maps (``foreground``), fuse maps into ``labels``, ``test`` the network;
            ``self_maps`` and ``self_labels`` are maps and labels by the segmentation network.
        config: Key in the settings' ``stages`` of the config it runs.
        title: What it does, for the user.
        weights: Stage whose checkpoint it starts from (train) or runs (maps, test).
        backbone_only: Of those weights only the backbone's are taken: a role of ImageNet weights.
        source: Stage whose maps (train, labels) or labels (train) it learns from or fuses.
        compares: Stages whose maps it chooses from.
        saliency: Stage whose saliency maps its labels are fused with; None: the user's.
    """

    name: str
    kind: Kind
    config: str
    title: str
    weights: str | None = None
    source: str | None = None
    backbone_only: bool = False
    compares: tuple[str, ...] = ()
    saliency: str | None = None

    @property
    def trained(self) -> str:
        """The stage whose checkpoint it runs, of a stage that runs one."""
        return cast(str, self.weights)

    @property
    def learnt(self) -> str:
        """The stage whose maps or labels it reads, of a stage that reads some."""
        return cast(str, self.source)

    @property
    def needs(self) -> tuple[str, ...]:
        """The stages that must be finished before."""
        return tuple(dict.fromkeys((*self.made_of, *self.scored_with)))

    @property
    def made_of(self) -> tuple[str, ...]:
        """The stages that its files depend on."""
        fused = None if self.kind == 'maps' else self.saliency
        return tuple(name for name in (self.weights, self.source, *self.compares, fused) if name)

    @property
    def scored_with(self) -> tuple[str, ...]:
        """The stages that only its scores depend on: maps are scored by the labels they give."""
        return (self.saliency,) if self.kind == 'maps' and self.saliency else ()


#: Stages whose maps the refinement may learn, those without DRS first.
COMPARED = ('plain_maps', 'drs_maps')
ALL_STAGES = (
    Stage('pretraining', 'train', 'pretraining', 'plain classifier from scratch'),
    Stage(
        'plain_classifier', 'train', 'plain_classifier', 'classifier without DRS', 'pretraining'
    ),
    Stage('plain_maps', 'maps', 'plain_classifier', 'maps without DRS', 'plain_classifier'),
    Stage('drs_classifier', 'train', 'drs_classifier', 'classifier with DRS', 'pretraining'),
    Stage('drs_maps', 'maps', 'drs_classifier', 'maps with DRS', 'drs_classifier'),
    Stage(
        'map_choice',
        'choice',
        'plain_classifier',
        'maps with or without DRS',
        compares=COMPARED,
    ),
    Stage(
        'foreground',
        'train',
        'foreground',
        'foreground of any class',
        weights='pretraining',
        source='map_choice',
        backbone_only=True,
    ),
    Stage('foreground_maps', 'foreground', 'foreground', 'learned saliency maps', 'foreground'),
    Stage(
        'refinement',
        'train',
        'refinement',
        'refinement learning',
        weights='pretraining',
        source='map_choice',
        backbone_only=True,
    ),
    Stage('refined_maps', 'maps', 'refinement', 'refined maps', 'refinement'),
    Stage('pseudo_labels', 'labels', 'refinement', 'pseudo labels', source='refined_maps'),
    Stage(
        'segmentation',
        'train',
        'segmentation',
        'segmentation network',
        weights='pretraining',
        source='pseudo_labels',
        backbone_only=True,
    ),
    Stage('evaluation', 'test', 'segmentation', 'segmentation network, scored', 'segmentation'),
)


def self_training_stages(number: int) -> list[Stage]:
    """The stages of a round of self-training, counted from 1."""
    before = f'self_training_{number - 1}' if number > 1 else 'segmentation'
    maps, labels, network = (f'self_{k}_{number}' for k in ('maps', 'labels', 'training'))
    round_ = f'round {number} of self-training'
    return [
        Stage(
            maps, 'self_maps', 'segmentation', f'probabilities of the network, {round_}', before
        ),
        Stage(labels, 'self_labels', 'segmentation', f'labels from them, {round_}', source=maps),
        Stage(
            network,
            'train',
            'segmentation',
            f'segmentation network, {round_}',
            weights='pretraining',
            source=labels,
            backbone_only=True,
        ),
        Stage(f'self_evaluation_{number}', 'test', 'segmentation', f'scored, {round_}', network),
    ]


def stage_of(name: str) -> Stage:
    """The stage of a name."""
    number = name.rpartition('_')[2]
    rounds = self_training_stages(int(number)) if number.isdigit() else []
    return next(stage for stage in (*ALL_STAGES, *rounds) if stage.name == name)


def pipeline_stages(
    configs: Sequence[str],
    refine_from: RefineFrom = 'drs_maps',
    segmentation_from: SegmentationFrom = 'pretrained',
    self_training_rounds: int = 0,
    labels_from: LabelsFrom = 'refined_maps',
) -> list[Stage]:
    """All stages of a pipeline, in order.

    Args:
        configs: The names that the settings give a config for. Without ``pretraining`` the
            classifiers start from their backbone's own weights. With ``foreground`` the stages
            after it take its maps in the place of saliency maps.
        refine_from: The maps that the refinement learns; ``better`` lets ``map_choice`` choose.
        segmentation_from: Where the backbone of the segmentation networks comes from: pretrained
            weights (those of ``pretraining`` where there is one), or the plain classifier.
        self_training_rounds: How often the segmentation network is trained on its own labels.
        labels_from: The maps that the pseudo labels are made from. There is no refinement without
            ``refined_maps``.

    Raises:
        InputError: If a value is unknown.
    """
    _check_value('refine_from', refine_from, get_args(RefineFrom))
    _check_value('segmentation_from', segmentation_from, get_args(SegmentationFrom))
    _check_value('labels_from', labels_from, get_args(LabelsFrom))
    if not isinstance(self_training_rounds, int) or self_training_rounds < 0:
        raise InputError(f'`self_training.rounds` must be 0, 1, ..., got {self_training_rounds!r}')
    stages = list(ALL_STAGES)
    if labels_from != 'refined_maps':
        stages = _without_refinement(stages, labels_from)
    for number in range(1, self_training_rounds + 1):
        stages += self_training_stages(number)
    stages = _with_foreground(stages) if 'foreground' in configs else _without_foreground(stages)
    if segmentation_from != 'pretrained':
        stages = [
            replace(s, weights=segmentation_from)
            if (s.kind, s.config) == ('train', 'segmentation')
            else s
            for s in stages
        ]
    if 'pretraining' not in configs:
        stages = [replace(s, weights=None) if s.weights == 'pretraining' else s for s in stages]
        stages = stages[1:]
    if refine_from != 'better':
        stages = [
            replace(s, source=refine_from) if s.source == 'map_choice' else s
            for s in stages
            if s.name != 'map_choice'
        ]
    return stages


def _with_foreground(stages: Sequence[Stage]) -> list[Stage]:
    """The stages, with its maps as saliency maps where labels are fused after it."""
    place = [stage.name for stage in stages].index('foreground_maps')
    fusing = ('maps', 'labels', 'self_labels')
    return [
        replace(stage, saliency='foreground_maps')
        if number > place and stage.kind in fusing
        else stage
        for number, stage in enumerate(stages)
    ]


def _without_foreground(stages: Sequence[Stage]) -> list[Stage]:
    return [stage for stage in stages if stage.config != 'foreground']


def _without_refinement(stages: Sequence[Stage], labels_from: str) -> list[Stage]:
    """The stages with pseudo labels from a classifier's maps."""
    config = stage_of(labels_from).config
    changed = dict(
        pseudo_labels=dict(source=labels_from, config=config), foreground=dict(source=labels_from)
    )
    return [
        replace(stage, **changed.get(stage.name, {}))
        for stage in stages
        if stage.config != 'refinement' or stage.kind == 'labels'
    ]


def cut_stages(
    stages: Sequence[Stage], first: str | None = None, last: str | None = None
) -> list[Stage]:
    """The stages to run.

    Args:
        stages: All stages.
        first: Name of the first stage to run; earlier ones must be finished.
        last: Name of the last stage to run.

    Raises:
        InputError: If a name is unknown or the order is wrong.
    """
    names = [stage.name for stage in stages]
    check_names('--from', [first] if first else [], names)
    check_names('--to', [last] if last else [], names)
    start = names.index(first) if first else 0
    stop = names.index(last) + 1 if last else len(names)
    if start >= stop:
        raise InputError(f'--from {first} comes after --to {last}')
    return list(stages[start:stop])


def _check_value(key: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise InputError(f'`{key}` must be one of {known}, got {value!r}')


def check_names(option: str, names: Sequence[str], stages: Sequence[str]) -> None:
    """Check that an option names stages.

    Raises:
        InputError: If it does not; names the stages.
    """
    for name in names:
        if name not in stages:
            raise InputError(
                f'{option} {name}: no such stage{did_you_mean(name, stages)}; the stages are '
                f'{", ".join(stages)}'
            )
