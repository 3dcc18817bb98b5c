# Segmentation network trained on the pseudo labels, scored on masks if there are any.
_base_ = ['{{$MMDRS_SETTINGS:./settings_custom.py}}', '../_base_/runtime.py']

custom_imports = dict(imports=['mmdrs'], allow_failed_imports=False)  # and those of the settings

crop_size = (_base_.segmentation_crop, _base_.segmentation_crop)
scale = (_base_.segmentation_scale * 4, _base_.segmentation_scale)
dataset = dict(
    type='PseudoLabelDataset',
    data_root=_base_.data_root,
    img_suffix=_base_.image_suffix,
    metainfo=dict(classes=_base_.classes),
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=scale, ratio_range=(0.75, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.9),
    dict(type='RandomFlip', prob=0.5),
    dict(type='ColorJitter', **_base_.color_jitter),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=scale, keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
tta_model = dict(type='SegTTAModel')
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='Resize', scale=tuple(int(s * r) for s in scale), keep_ratio=True)
                for r in (0.75, 1.0, 1.25)
            ],
            [
                dict(type='RandomFlip', prob=0.0, direction='horizontal'),
                dict(type='RandomFlip', prob=1.0, direction='horizontal'),
            ],
            [dict(type='LoadAnnotations')],
            [dict(type='PackSegInputs')],
        ],
    ),
]
train_dataloader = dict(
    batch_size=_base_.batch_size,
    num_workers=_base_.num_workers,
    persistent_workers=_base_.num_workers > 0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    drop_last=True,
    dataset=dict(
        **dataset,
        ann_file=_base_.train_list,
        # The pipeline puts the folder of the pseudo labels here.
        data_prefix=dict(img_path=_base_.image_dir, seg_map_path='pseudo_labels'),
        pipeline=train_pipeline,
    ),
)
# Without masks the images of the list are predicted, without a list nothing is tested.
test_dataloader = dict(
    batch_size=1,
    num_workers=_base_.num_workers,
    persistent_workers=_base_.num_workers > 0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **dataset,
        ann_file=_base_.val_list,
        data_prefix=dict(img_path=_base_.image_dir, seg_map_path=_base_.mask_dir),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_cfg = dict(type='TestLoop')

model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=_base_.image_mean,
        std=_base_.image_std,
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size=crop_size,
    ),
    backbone={**_base_.backbone, **_base_.segmentation_backbone},
    decode_head={
        'loss_decode': dict(type='CrossEntropyLoss', avg_non_ignore=True),
        **_base_.segmentation_head,
        'num_classes': len(_base_.classes),
    },
    test_cfg=dict(mode='whole'),
)

epochs = _base_.segmentation_epochs
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=epochs)
optim_wrapper = dict(
    type=_base_.optim_wrapper_type,
    optimizer=_base_.segmentation_optimizer,
    paramwise_cfg=_base_.segmentation_paramwise,
)
param_scheduler = [
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=1e-5,
        end=epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    )
]
randomness = dict(seed=_base_.seed)
custom_hooks = _base_.get('segmentation_custom_hooks') or None
