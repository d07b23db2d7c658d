"""What watches codebooks during training: what is seen of them, and where it is written, drawn and warned of."""

from vq_layer.layers.monitor.callback import CodebookMonitor

__all__ = ["CodebookMonitor"]
