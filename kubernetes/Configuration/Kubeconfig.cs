using YamlDotNet.Core;

namespace OnCache.Kubernetes.Configuration;

/// <summary>One or several kubeconfig files read as one: of entries with the same name the first wins.</summary>
internal sealed record Kubeconfig(string Source, KubeconfigDocument Content)
{
    public static Kubeconfig Load(IReadOnlyList<string> paths)
    {
        var present = paths.Count == 1 ? paths : [.. paths.Where(File.Exists)];
        if (present.Count == 0)
        {
            throw new ConfigurationException($"none of these files exists: {string.Join(", ", paths)}");
        }

        var merged = present.Select(Read).Aggregate(KubeconfigDocument.Empty, static (all, next) => all.With(next));
        return new Kubeconfig(string.Join(':', present), merged);
    }

    private static KubeconfigDocument Read(string path)
    {
        try
        {
            using var reader = File.OpenText(path);
            return KubeconfigReader.Read(reader, Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/")
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
