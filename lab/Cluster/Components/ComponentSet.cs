namespace OnCache.Lab.Cluster.Components;

/// <summary>How much of Kubernetes is needed.</summary>
public enum ComponentSet
{
    /// <summary>etcd, kube-apiserver and kubectl.</summary>
    Api,

    /// <summary>Also an apiextensions-apiserver new enough to know the rules in CEL of a definition.</summary>
    Cel,

    /// <summary>Everything a cluster with nodes runs.</summary>
    All,
}
