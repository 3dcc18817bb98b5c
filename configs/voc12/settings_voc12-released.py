# The authors' choices where they differ from the usual protocol: image labels from the masks, the
# classifier's checkpoint chosen on ground truth, DeepLabV3+ scored on centre crops and chosen on
# val. Figures from here must say so; settings_voc12.py is without them.
_base_ = './settings_voc12.py'

train_list = 'ImageSets/Segmentation/train_aug_cls.txt'

stages = dict(
    drs_classifier='../drs/drs-learnable_vgg16_2xb5-15e_voc12-320x320_released.py',
    segmentation='../deeplab/deeplabv3plus-plain_r101-d16_2xb16-20k_voc12drs-513x513_released.py',
)
