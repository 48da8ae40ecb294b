namespace OnCache.Kubernetes.Entities;

/// <summary>A custom resource with a desired state.</summary>
/// <typeparam name="TSpec">The desired state.</typeparam>
public abstract record CustomKubernetesEntity<TSpec> : KubernetesObject
    where TSpec : new()
{
    /// <summary>What is wanted.</summary>
    public TSpec Spec { get; init; } = new();
}

/// <summary>A custom resource with a desired and an observed state; the latter is the <c>status</c> subresource.</summary>
/// <typeparam name="TSpec">The desired state.</typeparam>
/// <typeparam name="TStatus">The observed state.</typeparam>
public abstract record CustomKubernetesEntity<TSpec, TStatus> : CustomKubernetesEntity<TSpec>
    where TSpec : new()
    where TStatus : class
{
    /// <summary>What was observed; absent until a controller has written it.</summary>
    public TStatus? Status { get; init; }
}
