namespace OnCache.Api;

/// <summary>The names under which every OnCache object is known to Kubernetes and to configuration files.</summary>
public static class ApiGroup
{
    /// <summary>The API group.</summary>
    public const string Name = "oncache.io";

    /// <summary>The version.</summary>
    public const string Version = "v1alpha1";

    /// <summary>The <c>apiVersion</c> of every object of this version of the API.</summary>
    public const string ApiVersion = $"{Name}/{Version}";

    /// <summary>The pod annotation whose value <c>"false"</c> keeps a pod on the CNI's own path.</summary>
    public const string AccelerateAnnotation = $"{Name}/accelerate";

    /// <summary>The finalizer that earlier releases put on policies, and that nobody removed once their operator was gone.</summary>
    public const string FlushFinalizer = $"{Name}/flush";
}
