# Refinement learning: a plain VGG-16 from ImageNet weights regresses the localization maps.
_base_ = [
    '../_base_/models/cam_vgg16.py',
    '../_base_/datasets/voc12_image_label.py',
    '../_base_/default_runtime.py',
]

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(320, 320), keep_ratio=False, backend='pillow'),
    dict(type='LoadLocalizationMap'),
    dict(type='ColorJitter', brightness=0.3, contrast=0.3, saturation=0.3, hue=0.1),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDRSInputs'),
]
# Refined maps have the size of the image.
test_cfg = dict(size=None)
tta_model = dict(size=None)
train_dataloader = dict(
    dataset=dict(
        # Folder of the maps that tools/test.py --out wrote; tools/pipeline.py sets it.
        data_prefix=dict(map_path='localization_map'),
        pipeline=train_pipeline,
    )
)
test_dataloader = dict(batch_size=1)  # images of different sizes
new_conv = dict(type='Normal', layer='Conv2d', std=0.01, bias=0)
model = dict(
    backbone=dict(init_cfg=[new_conv, _base_.backbone.init_cfg[1]]),
    decode_head=dict(type='RefinementHead'),
)

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4))
auto_scale_lr = dict(enable=False, base_batch_size=10)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=30)
param_scheduler = [dict(type='MultiStepLR', milestones=[10, 20], gamma=0.1)]
