namespace OnCache.Kubernetes.Configuration;

/// <content>Where configurations come from.</content>
public sealed partial record KubernetesClientConfiguration
{
    /// <summary>The folder in which every pod finds its service account.</summary>
    private const string ServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>Reads a kubeconfig file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="context">The context; <see langword="null"/> for the current one.</param>
    /// <param name="allowInsecure">Accept http and <c>insecure-skip-tls-verify</c>.</param>
    /// <param name="time">Tells when to read a token file again.</param>
    /// <exception cref="ConfigurationException">The file cannot be read or used.</exception>
    public static KubernetesClientConfiguration BuildConfigFromConfigFile(
        string path,
        string? context = null,
        bool allowInsecure = false,
        TimeProvider? time = null) =>
        new KubeconfigResolver(allowInsecure, time ?? TimeProvider.System).Resolve(Kubeconfig.Load([path]), context);

    /// <summary>The configuration a pod has.</summary>
    /// <exception cref="ConfigurationException">This is not a pod, or its service account is not mounted.</exception>
    public static KubernetesClientConfiguration InClusterConfig(TimeProvider? time = null) =>
        InCluster.Load(ServiceAccountFolder, Environment.GetEnvironmentVariable, time ?? TimeProvider.System);

    /// <summary>
    /// What <c>kubectl</c> would use: the files of <c>KUBECONFIG</c>, else that of the pod we run in, else <c>~/.kube/config</c>.
    /// </summary>
    /// <exception cref="ConfigurationException">None of them is there, or the first one there cannot be used.</exception>
    public static KubernetesClientConfiguration BuildDefaultConfig(
        string? context = null,
        bool allowInsecure = false,
        TimeProvider? time = null)
    {
        var clock = time ?? TimeProvider.System;
        var resolver = new KubeconfigResolver(allowInsecure, clock);
        if (Environment.GetEnvironmentVariable("KUBECONFIG") is { Length: > 0 } list)
        {
            return resolver.Resolve(Kubeconfig.Load(list.Split(':', StringSplitOptions.RemoveEmptyEntries)), context);
        }

        if (InCluster.IsInCluster(Environment.GetEnvironmentVariable))
        {
            return InClusterConfig(clock);
        }

        var home = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".kube", "config");
        return File.Exists(home)
            ? resolver.Resolve(Kubeconfig.Load([home]), context)
            : throw new ConfigurationException($"no cluster is configured: set KUBECONFIG, run in a pod, or write {home}");
    }
}
