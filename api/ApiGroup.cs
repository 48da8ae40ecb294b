namespace OnCache.Api;

/// <summary>The names under which every OnCache object is known to Kubernetes and to configuration files.</summary>
public static class ApiGroup
{
    /// <summary>The <c>apiVersion</c> of every object of this version of the API.</summary>
    public const string ApiVersion = "oncache.io/v1alpha1";

    /// <summary>The pod annotation whose value <c>"false"</c> keeps a pod on the CNI's own path.</summary>
    public const string AccelerateAnnotation = "oncache.io/accelerate";
}
