namespace OnCache.Kubernetes.Entities;

/// <summary>Anything with an <c>apiVersion</c> and a <c>kind</c>.</summary>
public interface IKubernetesObject
{
    /// <summary>
    /// Group and version, such as <c>apps/v1</c>; absent on items of a list, filled in by the client when an object is sent.
    /// </summary>
    string? ApiVersion { get; }

    /// <summary>The kind, such as <c>Deployment</c>; absent on items of a list, filled in by the client when an object is sent.</summary>
    string? Kind { get; }
}

/// <summary>An object with metadata: whatever the client reads, watches and writes.</summary>
/// <typeparam name="TMetadata">In practice <see cref="Models.V1ObjectMeta"/>.</typeparam>
public interface IKubernetesObject<out TMetadata> : IKubernetesObject
{
    /// <summary>Name, labels, version and the rest that all objects share.</summary>
    TMetadata Metadata { get; }
}
