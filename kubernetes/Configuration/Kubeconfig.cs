using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace OnCache.Kubernetes.Configuration;

/// <summary>One or several kubeconfig files read as one: of entries with the same name the first wins.</summary>
internal sealed record Kubeconfig(string Source, KubeconfigDocument Content)
{
    public static Kubeconfig Load(IReadOnlyList<string> paths)
    {
        var merged = new KubeconfigDocument();
        var present = paths.Count == 1 ? paths : [.. paths.Where(File.Exists)];
        if (present.Count == 0)
        {
            throw new ConfigurationException($"none of these files exists: {string.Join(", ", paths)}");
        }

        foreach (var path in present)
        {
            var document = Read(path);
            var folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
            document.Clusters.ForEach(cluster => cluster.Folder = folder);
            document.Users.ForEach(user => user.Folder = folder);
            merged.CurrentContext = string.IsNullOrEmpty(merged.CurrentContext) ? document.CurrentContext : merged.CurrentContext;
            merged.Contexts.AddRange(document.Contexts);
            merged.Clusters.AddRange(document.Clusters);
            merged.Users.AddRange(document.Users);
        }

        return new Kubeconfig(string.Join(':', present), merged);
    }

    private static KubeconfigDocument Read(string path)
    {
        try
        {
            using var reader = File.OpenText(path);
            return new DeserializerBuilder()
                .WithNamingConvention(CamelCaseNamingConvention.Instance)
                .IgnoreUnmatchedProperties()
                .Build()
                .Deserialize<KubeconfigDocument>(reader)
                ?? throw new ConfigurationException($"{path}: the file is empty");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{path}: {exception.Message}", exception);
        }
        catch (YamlException exception)
        {
            var cause = exception.InnerException?.Message ?? exception.Message;
            throw new ConfigurationException($"{path}: line {exception.Start.Line}: {cause.ReplaceLineEndings(" ")}", exception);
        }
    }
}
