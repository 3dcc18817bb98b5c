# The ceiling of settings_voc12-animals.py: its segmentation network, trained on the true masks of
# the training images instead of on pseudo labels, and scored on the same images.
#     python tools/train.py configs/voc12-animals/supervised_voc12-animals.py \
#         --settings configs/voc12-animals/settings_voc12-animals.py
#     python tools/test.py configs/voc12-animals/supervised_voc12-animals.py CHECKPOINT
# Without --settings, tools/train.py and tools/test.py take the settings that the next line names.
default_settings = 'mmdrs::voc12-animals/settings_voc12-animals.py'
_base_ = '../custom/segmentation_custom.py'

train_dataloader = dict(dataset=dict(data_prefix=dict(seg_map_path=_base_.mask_dir)))
