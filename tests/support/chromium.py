"""Where Chromium is, and the arguments with which tests start it.

Without a screen Chromium opens whole windows all the same. The list below their address field is a
page of its own, in a process of its own, and it takes a third of what a test of a page costs; so
it is switched off, as is drawing by the GPU that no machine of the tests has.
"""

from typing import Final

PROGRAM: Final = "/usr/bin/chromium"

_ADDRESS_FIELD: Final = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup")
# Playwright switches these off. Chromium heeds only the last `--disable-features`, so ours names
# them again: `disabledFeatures` in driver/package/lib/coreBundle.js of the playwright package.
_PLAYWRIGHTS: Final = (
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding",
    "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints",
    "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch",
)  # fmt: skip

ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    f"--disable-features={','.join(_PLAYWRIGHTS + _ADDRESS_FIELD)}",
)
