using OnCache.Lab.Topology;

namespace OnCache.Lab.Cluster.Control;

/// <summary>The control plane to start.</summary>
public sealed record ControlPlaneOptions
{
    /// <summary>Names its folder; unique by default, so that control planes of concurrent tests do not meet.</summary>
    public string Name { get; init; } = $"t{Guid.NewGuid():N}"[..9];

    /// <summary>True to start kube-controller-manager and kube-scheduler too.</summary>
    public bool Controllers { get; init; }

    /// <summary>
    /// True to start a newer apiextensions-apiserver too, for definitions whose rules in CEL are to be tried: see <see cref="ControlPlane.ServeWithCelAsync"/>.
    /// </summary>
    public bool Cel { get; init; }

    /// <summary>Further flags of kube-apiserver.</summary>
    public IReadOnlyList<string> ApiServerArguments { get; init; } = [];

    /// <summary>True when it outlives this process and only an explicit down ends it.</summary>
    public bool Detached { get; init; }

    /// <exception cref="LabOptionException">A value is out of bounds.</exception>
    public void Validate() => LabOptions.ValidateName(Name);
}
