# Classifier without DRS, trained on image labels; its test makes localization maps.
_base_ = ['{{$MMDRS_SETTINGS:./settings_custom.py}}', '../_base_/runtime.py']

custom_imports = dict(imports=['mmdrs'], allow_failed_imports=False)  # and those of the settings

dataset = dict(
    type='ImageLabelDataset',
    data_root=_base_.data_root,
    ann_file=_base_.train_list,
    img_suffix=_base_.image_suffix,
    metainfo=dict(classes=_base_.classes),
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(_base_.resize, _base_.resize), keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='ColorJitter', **_base_.color_jitter),
    dict(type='RandomCrop', crop_size=(_base_.crop, _base_.crop), cat_max_ratio=1.0),
    dict(type='PackDRSInputs'),
]
# Masks are read only to score the maps.
load_masks = [dict(type='LoadAnnotations')] if _base_.mask_dir else []
test_pipeline = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='Resize', scale=(_base_.crop, _base_.crop), keep_ratio=False),
    *load_masks,
    dict(type='PackDRSInputs'),
]
# For MMSegmentation's own tools/test.py --tta, which makes the same maps.
tta_model = dict(type='LocalizationTTA', scales=_base_.map_scales, size=(_base_.crop, _base_.crop))
tta_pipeline = [
    *test_pipeline[:-1],
    dict(type='TestTimeAug', transforms=[[dict(type='PackDRSInputs')]]),
]
train_dataloader = dict(
    batch_size=_base_.batch_size,
    num_workers=_base_.num_workers,
    persistent_workers=_base_.num_workers > 0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    drop_last=True,
    dataset=dict(**dataset, data_prefix=dict(img_path=_base_.image_dir), pipeline=train_pipeline),
)
test_dataloader = dict(
    batch_size=_base_.map_batch_size,
    num_workers=_base_.num_workers,
    persistent_workers=_base_.num_workers > 0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **dataset,
        data_prefix=dict(
            img_path=_base_.image_dir,
            seg_map_path=_base_.mask_dir,
            saliency_path=_base_.saliency_dir,
        ),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_evaluator = dict(type='LocalizationMetric')
test_cfg = dict(
    type='LocalizationMapLoop', scales=_base_.map_scales, size=(_base_.crop, _base_.crop)
)

model = dict(
    type='ImageLabelEncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=_base_.image_mean,
        std=_base_.image_std,
        bgr_to_rgb=True,
        size=(_base_.crop, _base_.crop),
    ),
    backbone=_base_.backbone,
    decode_head=dict(
        type='CAMHead',
        in_channels=_base_.feature_channels,
        num_classes=len(_base_.classes),
        num_convs=_base_.head_convs,
        channels=_base_.head_channels,
        norm_cfg=_base_.head_norm,
        init_cfg=[
            dict(type='Kaiming', layer='Conv2d', mode='fan_out', distribution='normal'),
            dict(type='Normal', std=_base_.head_std, override=dict(name='conv_seg')),
        ],
    ),
    test_cfg=dict(mode='whole'),
)

epochs = _base_.classifier_epochs
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=epochs)
optim_wrapper = dict(
    type=_base_.optim_wrapper_type,
    optimizer=_base_.classifier_optimizer,
    paramwise_cfg=_base_.classifier_paramwise,
)
param_scheduler = _base_.classifier_schedule
randomness = dict(seed=_base_.seed)
