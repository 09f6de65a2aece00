"""What of a user-data directory its browser makes again by itself: an archive may leave it out.

Only what is at these very paths: a directory of an extension or of a page's own files may have the same name further
down. What stays because pages would miss it: `Service Worker` whole (`ScriptCache` holds the workers' scripts, without
which a registration is dropped; `CacheStorage` is what they have put away), IndexedDB, storage, cookies.
"""

from typing import Final

_TOP: Final = (
    # Answers of servers and what is compiled of them and of shaders: made again when they are needed.
    b"GPUPersistentCache", b"GrShaderCache", b"GraphiteDawnCache", b"ShaderCache",
    # Reports and counts that would go to a maker who is never called here.
    b"BrowserMetrics", b"BrowserMetrics-spare.pma", b"Crashpad", b"CrashpadMetrics-active.pma", b"CrashpadMetrics.pma",
    # Parts that are updated on their own (components/component_updater), and the packages that they came in.
    b"AmountExtractionHeuristicRegexes", b"AutofillStates", b"CertificateRevocation", b"CookieReadinessList",
    b"Crowd Deny", b"FileTypePolicies", b"FirstPartySetsPreloaded", b"MEIPreload", b"OnDeviceHeadSuggestModel",
    b"OpenCookieDatabase", b"OriginTrials", b"PKIMetadata", b"PnaclTranslationCache",
    b"PrivacySandboxAttestationsPreloaded",
    b"ProbabilisticRevealTokenRegistry", b"RecoveryImproved", b"SSLErrorAssistant", b"Safe Browsing", b"SafetyTips",
    b"Subresource Filter", b"TpcdMetadata", b"TrustTokenKeyCommitments", b"WasmTtsEngine", b"WidevineCdm",
    b"ZxcvbnData", b"component_crx_cache", b"extensions_crx_cache", b"hyphen-data",
    # Models that are fetched for guesses about pages (components/optimization_guide).
    b"OptimizationGuideModelsManifest", b"OptimizationHints", b"OptGuideOnDeviceModel",
    b"optimization_guide_model_store", b"segmentation_platform",
    # Where this browser listens: true of no other.
    b"DevToolsActivePort",
)  # fmt: skip
_IN_PROFILE: Final = (
    b"Cache", b"Code Cache", b"DawnCache", b"DawnGraphiteCache", b"DawnWebGPUCache", b"GPUCache", b"Shared Dictionary",
    b"GrShaderCache", b"ShaderCache",
    # Blobs of pages that were open: they end with the browser (storage/browser/blob).
    b"blob_storage",
    b"OptimizationHints", b"optimization_guide_hint_cache_store", b"optimization_guide_model_metadata_store",
    b"optimization_guide_prediction_model_downloads", b"Segmentation Platform", b"Safe Browsing Network",
)  # fmt: skip

CACHES: Final = frozenset((*_TOP, *_IN_PROFILE, *(b"Default/" + name for name in _IN_PROFILE)))
"""Paths from the top. `chromium-headless-shell` keeps a profile either there itself or in `Default`."""
