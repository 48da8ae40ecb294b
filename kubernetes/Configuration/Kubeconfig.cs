using k8s;
using k8s.KubeConfigModels;
using YamlDotNet.Core;

namespace OnCache.Kubernetes.Configuration;

/// <summary>One or several kubeconfig files read by the library, as one: of entries with the same name the first wins. Paths are absolute.</summary>
/// <param name="Source">The files.</param>
/// <param name="CurrentContext">The context to use.</param>
/// <param name="Contexts">Which user at which cluster.</param>
/// <param name="Clusters">Where clusters are and how to trust them.</param>
/// <param name="Users">Who we are.</param>
internal sealed record Kubeconfig(
    string Source,
    string? CurrentContext,
    IReadOnlyList<Context> Contexts,
    IReadOnlyList<KubeconfigCluster> Clusters,
    IReadOnlyList<KubeconfigUser> Users)
{
    /// <exception cref="ConfigurationException">A file cannot be read.</exception>
    public static Kubeconfig Load(IReadOnlyList<string> paths)
    {
        // One at a time: the library, given several, takes all paths as relative to the first.
        var present = paths.Count == 1 ? paths : [.. paths.Where(File.Exists)];
        return present.Count > 0
            ? present.Select(Read).Aggregate(static (all, next) => all.With(next))
            : throw new ConfigurationException($"none of these files exists: {string.Join(", ", paths)}");
    }

    private static Kubeconfig Read(string path)
    {
        try
        {
            var text = File.ReadAllText(path);
            var unread = UnreadFields.Read(text) ?? throw new ConfigurationException($"{path}: the file is empty");
            return Of(path, Load(path, unread.Text), unread);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{path}: {exception.Message}", exception);
        }
        catch (YamlException exception)
        {
            throw new ConfigurationException($"{path}: line {exception.Start.Line}: {Problem.FirstLine(exception)}", exception);
        }
    }

    private static K8SConfiguration Load(string path, byte[] text)
    {
        try
        {
            using var stream = new MemoryStream(text);
            return KubernetesClientConfiguration.LoadKubeConfig(stream);
        }
        catch (YamlException exception)
        {
            throw new ConfigurationException($"{path}: {Problem.FirstLine(exception)}", exception);
        }
    }

    private static Kubeconfig Of(string path, K8SConfiguration content, UnreadFields unread)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";

        // An entry without content is none.
        var clusters = (content.Clusters ?? []).Where(static entry => entry?.ClusterEndpoint is not null).ToList();
        var users = (content.Users ?? []).Where(static entry => entry?.UserCredentials is not null).ToList();
        foreach (var cluster in clusters.Select(static entry => entry.ClusterEndpoint))
        {
            cluster.CertificateAuthority = Absolute(cluster.CertificateAuthority);
        }

        foreach (var user in users.Select(static entry => entry.UserCredentials))
        {
            user.ClientCertificate = Absolute(user.ClientCertificate);
            user.ClientKey = Absolute(user.ClientKey);
            if (user.ExternalExecution is { Command: { } command } program && command.Contains('/', StringComparison.Ordinal))
            {
                program.Command = Absolute(command);
            }
        }

        return new Kubeconfig(
            path,
            content.CurrentContext,
            [.. (content.Contexts ?? []).Where(static entry => entry?.ContextDetails is not null)],
            [.. clusters.Select(entry => new KubeconfigCluster(entry.Name, entry.ClusterEndpoint, unread.Proxies.GetValueOrDefault(entry.Name ?? "")))],
            [.. users.Select(entry => new KubeconfigUser(entry.Name, entry.UserCredentials, Absolute(unread.TokenFiles.GetValueOrDefault(entry.Name ?? "")), unread.Impersonated.ContainsKey(entry.Name ?? "")))]);

        string? Absolute(string? file) => string.IsNullOrEmpty(file) ? null : Path.Combine(folder, file);
    }

    private Kubeconfig With(Kubeconfig other) => new(
        $"{Source}:{other.Source}",
        string.IsNullOrEmpty(CurrentContext) ? other.CurrentContext : CurrentContext,
        [.. Contexts, .. other.Contexts],
        [.. Clusters, .. other.Clusters],
        [.. Users, .. other.Users]);
}

/// <summary>An entry of <c>clusters</c>.</summary>
internal sealed record KubeconfigCluster(string? Name, ClusterEndpoint Endpoint, string? Proxy);

/// <summary>An entry of <c>users</c>.</summary>
internal sealed record KubeconfigUser(string? Name, UserCredentials Credentials, string? TokenFile, bool IsImpersonated);
