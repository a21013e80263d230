"""The tests; what must be settled before numpy, OpenCV or onnxruntime start is settled here."""

import os

# Two test processes share two cores, and nobody reports to a vendor.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ORT_DISABLE_TELEMETRY"):
    os.environ.setdefault(_variable, "1")
