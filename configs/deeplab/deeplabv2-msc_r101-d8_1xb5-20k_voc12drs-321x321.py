# DeepLabV2 of the paper: multi-scale (MSC), ResNet-101 of Caffe trained on COCO, batch norm frozen.
_base_ = ['../_base_/datasets/voc12_segmentation.py', '../_base_/default_runtime.py']

crop_size = (321, 321)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomScale', factors=(0.5, 0.75, 1.0, 1.25, 1.5)),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=1.0),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDRSInputs'),
]
train_dataloader = dict(batch_size=5, dataset=dict(image_labels=True, pipeline=train_pipeline))
model = dict(
    type='MultiScaleEncoderDecoder',
    scales=(0.5, 0.75),
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[104.008, 116.669, 122.675],  # BGR
        std=[1, 1, 1],
        bgr_to_rgb=False,
        pad_val=0,
        seg_pad_val=255,
        size=crop_size,
    ),
    backbone=dict(
        type='CaffeResNet',
        depth=101,
        style='caffe',
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        out_indices=(3,),
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        # deeplabv1_resnet101-coco.pth, converted by tools/model_converters/drs2mmdrs.py.
        init_cfg=dict(
            type='Pretrained', checkpoint='data/checkpoints/resnet101-caffe-coco_mmdrs.pth'
        ),
    ),
    # The self-training term is part of the released training; None is without it.
    decode_head=dict(
        type='DeepLabV2Head', in_channels=2048, num_classes=21, self_training='exclude'
    ),
    test_cfg=dict(mode='whole'),
)

# 20,000 steps of the optimizer, each on 5 x 2 images accumulated: MMEngine counts 40,000
# iterations, and the rate changes every 10 steps. On k GPUs either accumulate less (k = 2: counts 1,
# 20,000 iterations, interval 10), or scale the rate: --cfg-options auto_scale_lr.enable=True.
optim_wrapper = dict(
    type='OptimWrapper',
    accumulative_counts=2,
    optimizer=dict(type='SGD', lr=2.5e-4, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(
        custom_keys={
            'decode_head': dict(lr_mult=10),
            **{f'decode_head.convs.{i}.bias': dict(lr_mult=20, decay_mult=0) for i in range(4)},
        }
    ),
)
auto_scale_lr = dict(enable=False, base_batch_size=5)
param_scheduler = [dict(type='SteppedPolyLR', interval=20, end=40000, power=0.9)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=40000, val_interval=40000)
log_processor = dict(by_epoch=False)
default_hooks = dict(
    logger=dict(log_metric_by_epoch=False),
    checkpoint=dict(by_epoch=False, interval=4000),
)
