namespace OnCache.Lab.Demo.Cluster;

/// <summary>How the demonstration on Kubernetes runs.</summary>
public sealed record ClusterDemoOptions
{
    public const int MaxRounds = 20;

    /// <summary>The repository: its manifests and images are what is installed.</summary>
    public required string Root { get; init; }

    /// <summary>How often every slice is repeated.</summary>
    public int Rounds { get; init; } = 3;

    /// <summary>Where the result goes as JSON too.</summary>
    public string? JsonPath { get; init; }

    /// <summary>The core everything measured runs on: the last, as the first serves most interrupts.</summary>
    public int Core { get; init; } = Math.Min(Environment.ProcessorCount, 64) - 1;

    public string Manifests => OnCacheInstallation.ManifestsIn(Root);

    public string Policy => Path.Combine(Root, "config", "samples", "minimal.yaml");

    /// <summary>Archives of the images that are installed.</summary>
    public IReadOnlyList<string> Images => [.. OnCacheInstallation.ImagesIn(Root), OnCacheInstallation.ImageIn(Root, "oncache-lab")];

    /// <exception cref="LabOptionException">A value is out of bounds.</exception>
    public void Validate()
    {
        OptionChecks.Within("rounds", Rounds, 1, MaxRounds);

        foreach (var path in (string[])[Policy, .. Images])
        {
            if (!File.Exists(path))
            {
                throw new LabOptionException("root", Root, $"a checkout in which 'make images' was run; {path} is missing");
            }
        }
    }
}
