namespace OnCache.Operator.Peers;

/// <summary>Why a policy no longer names an address, and so why nodes are signalled.</summary>
internal enum PeerCause
{
    /// <summary>The pod was deleted or has ended.</summary>
    PodGone,

    /// <summary>The pod's labels changed.</summary>
    PodLabels,

    /// <summary>The pod gave the address up.</summary>
    PodAddress,

    /// <summary>Another pod has the address, and the end of the one before has not been heard.</summary>
    AddressReused,

    /// <summary>The labels of the pod's namespace changed.</summary>
    NamespaceLabels,

    /// <summary>The operator began to watch; what happened before is unknown.</summary>
    Start,

    /// <summary>A watch had to list anew: what was otherwise in between, and is as before now, is unknown.</summary>
    WatchGap,
}
