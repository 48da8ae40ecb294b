namespace OnCache.Lab.Demo.Cluster;

/// <summary>How the demonstration runs in a cluster that is somebody's.</summary>
/// <param name="Root">The repository: its manifests are what is installed.</param>
/// <param name="Rounds">How often every slice is repeated.</param>
/// <param name="Yes">True to go on without asking.</param>
/// <param name="Keep">True to leave OnCache installed when this has installed it.</param>
public sealed record UserClusterOptions(string Root, int Rounds, bool Yes, bool Keep)
{
    public string Manifests => OnCacheInstallation.ManifestsIn(Root);

    /// <summary>The script that takes OnCache out again.</summary>
    public string Removal => Path.Combine(Root, "eng", "undeploy.sh");

    public string Policy => Path.Combine(Root, "config", "samples", "one-namespace.yaml");

    /// <exception cref="LabOptionException">A value is out of bounds, or nobody could answer a question.</exception>
    public void Validate()
    {
        OptionChecks.Within("rounds", Rounds, 1, ClusterDemoOptions.MaxRounds);

        if (!File.Exists(Policy))
        {
            throw new LabOptionException("root", Root, $"a checkout of OnCache; {Policy} is missing");
        }

        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("KUBECONFIG")))
        {
            throw new LabOptionException("KUBECONFIG is not set: export the path of the kubeconfig of the cluster to use");
        }

        if (!Yes && Console.IsInputRedirected)
        {
            throw new LabOptionException("standard input is no terminal, so nobody can be asked: add --yes to go on without");
        }
    }
}
