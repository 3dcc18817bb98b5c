# A foreground of any class, learned from the maps on the features of the pretrained backbone. Name
# it in `stages` of the settings: its maps then take the place of saliency maps.
_base_ = './plain-classifier_custom.py'

side = _base_.get('foreground_size') or _base_.resize
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(side, side), keep_ratio=False),
    dict(type='LoadLocalizationMap'),
    dict(type='ColorJitter', **_base_.color_jitter),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDRSInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(side, side), keep_ratio=False),
    dict(type='PackDRSInputs'),
]
tta_model = dict(_delete_=True, type='SegTTAModel')
tta_pipeline = [
    *test_pipeline[:-1],
    dict(type='TestTimeAug', transforms=[[dict(type='PackDRSInputs')]]),
]
train_dataloader = dict(
    dataset=dict(
        # The pipeline puts the folder of the maps here.
        data_prefix=dict(img_path=_base_.image_dir, map_path='maps'),
        pipeline=train_pipeline,
    )
)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_evaluator = dict(_delete_=True, type='SegmentationMetric', format_only=True)
test_cfg = dict(_delete_=True, type='TestLoop')

model = dict(
    type='FrozenBackboneEncoderDecoder',
    data_preprocessor=dict(size=(side, side)),
    backbone=_base_.foreground_backbone,
    decode_head=dict(
        _delete_=True,
        **_base_.foreground_head,
        num_classes=len(_base_.classes),
    ),
)

epochs = _base_.foreground_epochs
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=epochs)
optim_wrapper = dict(
    _delete_=True, type=_base_.optim_wrapper_type, optimizer=_base_.foreground_optimizer
)
param_scheduler = []
custom_hooks = [dict(type='ForegroundRoundHook', epochs=_base_.foreground_round_length)]
