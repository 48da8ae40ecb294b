using OnCache.Lab.Topology;

namespace OnCache.Lab.Api;

/// <summary>The lab to bring up with an API server.</summary>
public sealed record ApiLabOptions
{
    /// <summary>Names the lab and its control plane; unique by default.</summary>
    public string Name { get; init; } = $"t{Guid.NewGuid():N}"[..9];

    /// <summary>Path of oncache-agent.</summary>
    public required string Agent { get; init; }

    /// <summary>Path of oncache-operator.</summary>
    public required string Operator { get; init; }

    /// <summary>The folder with our custom resource definitions, as kustomize takes it.</summary>
    public required string Definitions { get; init; }

    public int Nodes { get; init; } = 2;

    /// <summary><c>spec.lease</c> of the policy, which covers all pods. Longer than by default: what ends a verdict is to be a flush.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary><c>spec.settle</c> of the policy.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary><c>spec.cacheSizes.filter</c> of the policy: cached flows on each node.</summary>
    public int FilterCache { get; init; } = 65_536;

    /// <exception cref="LabOptionException">A value is out of bounds, or a file is not there.</exception>
    public void Validate()
    {
        new LabOptions { Name = Name, Nodes = Nodes }.Validate();
        OptionChecks.ExistingProgram("agent", Agent);
        OptionChecks.ExistingProgram("operator", Operator);
        if (!Directory.Exists(Definitions))
        {
            throw new LabOptionException("definitions", Definitions, "an existing folder, such as config/crd of the source tree");
        }
    }
}
