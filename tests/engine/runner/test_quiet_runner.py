"""The console stays free of what MMEngine prints; the log holds it."""

import torch
from mmengine.model import BaseModel
from mmseg.registry import RUNNERS


class Network(BaseModel):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.layer(inputs)


def test_loading_a_checkpoint_is_logged_and_not_printed(tmp_path, capsys):
    model, path = Network(), tmp_path / 'weights.pth'
    torch.save(dict(state_dict={k: v + 1 for k, v in model.state_dict().items()}), path)
    before = model.layer.weight.detach().clone()
    work_dir = tmp_path / 'run'
    runner = RUNNERS.get('QuietRunner')(
        model, str(work_dir), experiment_name='quiet', default_scope='mmseg'
    )
    runner.load_checkpoint(str(path))
    assert capsys.readouterr().out == ''
    log = ''.join(file.read_text() for file in work_dir.rglob('*.log'))
    assert f'Loads checkpoint by local backend from path: {path}' in log
    assert torch.equal(runner.model.layer.weight, before + 1)
