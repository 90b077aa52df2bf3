"""The score of data-quality-flags.md section 3.2, from its formulas, for 1,000 random cells."""
import sys

import numpy as np


def exact(number):
    return np.format_float_positional(number, trim="-")


draw = np.random.default_rng(20260705)
print("history,x,sp,c,sf,s,R,q")
for _ in range(1000):
    n = draw.integers(1, 13)
    mean = draw.choice([0.5, 3, 10, 100, 1000, 50000])
    rate = mean * draw.gamma(4, 0.25, n)
    H = draw.poisson(rate) / draw.choice([1, 1, 1, 10])
    x = draw.poisson(mean * draw.gamma(2, 0.5)) * draw.choice([1, 1, 1, 10, 0.1, 0])
    sp = round(draw.uniform(0.05, 0.6), 3)

    Y = np.log(H + 1)
    c, m = np.median(Y), np.median(H)
    sf = 1.4826 * np.median(np.abs(Y - c))
    floor = max(np.sqrt(1 / (m + 1)), 0.10)
    s = max(np.sqrt((n * sf**2 + 4 * sp**2) / (n + 4)), floor)
    R = abs(np.log(x + 1) - c) / s
    q = np.exp(np.log(x + 1) - c)

    history = " ".join(exact(h) for h in H)
    sys.stdout.write(f"{history},{exact(x)},{sp}," + ",".join(f"{v:.6f}" for v in (c, sf, s, R, q)) + "\n")
