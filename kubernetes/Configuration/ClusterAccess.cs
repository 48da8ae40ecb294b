using k8s;
using k8s.Exceptions;

namespace OnCache.Kubernetes.Configuration;

/// <summary>Where the library's configurations come from: a kubeconfig file, the pod, or what <c>kubectl</c> would use.</summary>
public static class ClusterAccess
{
    /// <summary>The namespace to use where a configuration names none.</summary>
    internal const string DefaultNamespace = "default";

    /// <summary>Reads a kubeconfig file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="context">The context; <see langword="null"/> for the current one.</param>
    /// <param name="allowInsecure">Accept http and <c>insecure-skip-tls-verify</c>.</param>
    /// <exception cref="ConfigurationException">The file cannot be read or used.</exception>
    public static KubernetesClientConfiguration FromFile(string path, string? context = null, bool allowInsecure = false) =>
        FromFiles([path], context, allowInsecure);

    /// <summary>The configuration a pod has.</summary>
    /// <exception cref="ConfigurationException">This is not a pod, or its service account is not mounted.</exception>
    private static KubernetesClientConfiguration OfPod()
    {
        PodAccount.Check(PodAccount.Folder, Environment.GetEnvironmentVariable);
        try
        {
            var configuration = KubernetesClientConfiguration.InClusterConfig();
            configuration.TokenProvider = RenewableToken.File(PodAccount.Token(PodAccount.Folder));
            configuration.Namespace = configuration.Namespace?.Trim() is { Length: > 0 } home ? home : DefaultNamespace;
            return configuration;
        }
        catch (KubeConfigException exception)
        {
            throw new ConfigurationException($"{PodAccount.Folder}: {exception.Message}", exception);
        }
    }

    /// <summary>
    /// What <c>kubectl</c> would use: the files of <c>KUBECONFIG</c>, else that of the pod we run in, else <c>~/.kube/config</c>.
    /// </summary>
    /// <exception cref="ConfigurationException">None of them is there, or the first one there cannot be used.</exception>
    public static KubernetesClientConfiguration Default()
    {
        if (Environment.GetEnvironmentVariable("KUBECONFIG") is { Length: > 0 } list)
        {
            return FromFiles(list.Split(':', StringSplitOptions.RemoveEmptyEntries));
        }

        if (PodAccount.IsPod(Environment.GetEnvironmentVariable))
        {
            return OfPod();
        }

        var home = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".kube", "config");
        return File.Exists(home)
            ? FromFile(home)
            : throw new ConfigurationException($"no cluster is configured: set KUBECONFIG, run in a pod, or write {home}");
    }

    /// <summary>Reads several files as one: of entries with the same name the first wins.</summary>
    internal static KubernetesClientConfiguration FromFiles(IReadOnlyList<string> paths, string? context = null, bool allowInsecure = false) =>
        new KubeconfigResolver(Kubeconfig.Load(paths), allowInsecure).Resolve(context);
}
