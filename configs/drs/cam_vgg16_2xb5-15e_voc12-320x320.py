# The classifier without DRS: the baseline.
_base_ = [
    '../_base_/models/cam_vgg16.py',
    '../_base_/datasets/voc12_image_label.py',
    '../_base_/default_runtime.py',
]

# Four groups: pretrained weights x1, their biases x2, new weights and controllers x10, new biases
# x20. Decay on all of them.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, nesterov=True, weight_decay=5e-4),
    paramwise_cfg=dict(
        bias_lr_mult=2,
        custom_keys={
            'backbone.extra': dict(lr_mult=10),
            'backbone.extra.0.bias': dict(lr_mult=20),
            'backbone.extra.2.bias': dict(lr_mult=20),
            'backbone.extra.4.bias': dict(lr_mult=20),
            'backbone.drs': dict(lr_mult=10),
            'decode_head': dict(lr_mult=10),
            'decode_head.conv_seg.bias': dict(lr_mult=20),
        },
    ),
)
# Batch 5 on each of 2 GPUs. For another: --cfg-options auto_scale_lr.enable=True (linear scaling).
auto_scale_lr = dict(enable=False, base_batch_size=10)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=15)
# x0.1 at the start of epochs 5 and 10, counted from 1.
param_scheduler = [dict(type='MultiStepLR', milestones=[4, 9], gamma=0.1)]
