using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace OnCache.Kubernetes.Configuration;

/// <summary>Reads the YAML of a kubeconfig file; fields that are not known and entries without content are passed by.</summary>
internal static class KubeconfigReader
{
    /// <summary>The content of the file.</summary>
    /// <param name="reader">The text.</param>
    /// <param name="folder">Where it is.</param>
    /// <returns><see langword="null"/> if the file is empty.</returns>
    /// <exception cref="YamlException">The text is no YAML, names a field twice, or a field is not of its kind.</exception>
    public static KubeconfigDocument? Read(TextReader reader, string folder)
    {
        var stream = new YamlStream();
        stream.Load(reader);
        if (stream.Documents is not [var document, ..] || IsNull(document.RootNode))
        {
            return null;
        }

        var root = Map(document.RootNode, "the file");
        return new KubeconfigDocument(
            Text(root, "current-context"),
            [.. Entries(root, "contexts", "context").Select(static entry =>
                new NamedContext(entry.Name, Text(entry.Content, "cluster"), Text(entry.Content, "user"), Text(entry.Content, "namespace")))],
            [.. Entries(root, "clusters", "cluster").Select(entry => new NamedCluster(
                entry.Name,
                folder,
                Text(entry.Content, "server"),
                Text(entry.Content, "certificate-authority"),
                Text(entry.Content, "certificate-authority-data"),
                Flag(entry.Content, "insecure-skip-tls-verify"),
                Text(entry.Content, "tls-server-name"),
                Text(entry.Content, "proxy-url")))],
            [.. Entries(root, "users", "user").Select(entry => new NamedUser(
                entry.Name,
                folder,
                Text(entry.Content, "client-certificate"),
                Text(entry.Content, "client-certificate-data"),
                Text(entry.Content, "client-key"),
                Text(entry.Content, "client-key-data"),
                Text(entry.Content, "token"),
                Text(entry.Content, "tokenFile"),
                Text(entry.Content, "username"),
                Text(entry.Content, "as"),
                Find(entry.Content, "exec") is not null,
                Find(entry.Content, "auth-provider") is not null))]);
    }

    private static IEnumerable<(string? Name, YamlMappingNode Content)> Entries(YamlMappingNode root, string list, string content)
    {
        if (Find(root, list) is not { } found)
        {
            return [];
        }

        return (found as YamlSequenceNode ?? throw Wrong(found, list, "a list"))
            .Select(item => Map(item, list))
            .Where(item => Find(item, content) is not null)
            .Select(item => (Text(item, "name"), Map(Find(item, content)!, content)));
    }

    private static string? Text(YamlMappingNode map, string field) =>
        Find(map, field) is not { } found ? null : (found as YamlScalarNode ?? throw Wrong(found, field, "a text")).Value;

    // The words of YAML 1.1, which kubectl takes.
    private static bool Flag(YamlMappingNode map, string field) => Text(map, field)?.ToUpperInvariant() switch
    {
        null or "FALSE" or "NO" or "N" or "OFF" => false,
        "TRUE" or "YES" or "Y" or "ON" => true,
        _ => throw Wrong(Find(map, field)!, field, $"true or false, not \"{Text(map, field)}\""),
    };

    private static YamlMappingNode Map(YamlNode node, string field) => node as YamlMappingNode ?? throw Wrong(node, field, "a map");

    private static YamlNode? Find(YamlMappingNode map, string field) =>
        map.Children.TryGetValue(new YamlScalarNode(field), out var found) && !IsNull(found) ? found : null;

    private static bool IsNull(YamlNode node) => node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" or "Null" or "NULL" };

    private static YamlException Wrong(YamlNode node, string field, string kind) => new(node.Start, node.End, $"{field}: must be {kind}");
}
