namespace OnCache.Lab.Tests.Cluster;

/// <summary>Real Kubernetes is heavy: its tests take turns.</summary>
[CollectionDefinition(Name)]
public sealed class KubernetesTurn
{
    public const string Name = "Kubernetes";
}
