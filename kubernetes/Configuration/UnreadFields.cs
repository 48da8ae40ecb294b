using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace OnCache.Kubernetes.Configuration;

/// <summary>
/// Fields of a kubeconfig file that the library passes by without a word, by the name of their entry. They are looked for before the library
/// reads the file, and what is not of its kind is refused with its name, for which the library has the name of a type.
/// </summary>
/// <param name="TokenFiles">Of users: the file with the token.</param>
/// <param name="Proxies">Of clusters: the proxy on the way to the server.</param>
internal sealed record UnreadFields(IReadOnlyDictionary<string, string> TokenFiles, IReadOnlyDictionary<string, string> Proxies)
{
    /// <returns><see langword="null"/> if the file is empty.</returns>
    /// <exception cref="YamlException">The text is no YAML, names a field twice, or a field is not of its kind.</exception>
    public static UnreadFields? Read(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        if (stream.Documents is not [var document, ..] || IsNull(document.RootNode))
        {
            return null;
        }

        var root = Map(document.RootNode, "the file");
        _ = Text(root, "current-context");
        _ = Entries(root, "contexts", "context");
        return new UnreadFields(Find(Entries(root, "users", "user"), "tokenFile"), Find(Entries(root, "clusters", "cluster"), "proxy-url"));
    }

    private static Dictionary<string, string> Find(IReadOnlyList<(string? Name, YamlMappingNode Content)> entries, string field) => entries
        .Where(static entry => entry.Name is not null)
        .DistinctBy(static entry => entry.Name, StringComparer.Ordinal)
        .Select(entry => (entry.Name, Value: Text(entry.Content, field)))
        .Where(static found => !string.IsNullOrEmpty(found.Value))
        .ToDictionary(static found => found.Name!, static found => found.Value!, StringComparer.Ordinal);

    private static List<(string? Name, YamlMappingNode Content)> Entries(YamlMappingNode root, string list, string content)
    {
        var entries = new List<(string?, YamlMappingNode)>();
        if (Child(root, list) is not { } found)
        {
            return entries;
        }

        foreach (var entry in found as YamlSequenceNode ?? throw Wrong(found, list, "a list"))
        {
            var map = Map(entry, list);
            if (Child(map, content) is { } inner)
            {
                entries.Add((Text(map, "name"), Simple(Map(inner, content))));
            }
        }

        return entries;
    }

    // What the entries hold is text but for these.
    private static YamlMappingNode Simple(YamlMappingNode content)
    {
        foreach (var (key, value) in content.Children)
        {
            if (key is YamlScalarNode { Value: { } name and not ("exec" or "auth-provider" or "as-groups" or "as-user-extra" or "extensions") })
            {
                _ = value as YamlScalarNode ?? throw Wrong(value, name, "a text");
            }
        }

        return content;
    }

    private static string? Text(YamlMappingNode map, string field) =>
        Child(map, field) is not { } found ? null : (found as YamlScalarNode ?? throw Wrong(found, field, "a text")).Value;

    private static YamlMappingNode Map(YamlNode node, string field) => node as YamlMappingNode ?? throw Wrong(node, field, "a map");

    private static YamlNode? Child(YamlMappingNode map, string field) =>
        map.Children.TryGetValue(new YamlScalarNode(field), out var found) && !IsNull(found) ? found : null;

    private static bool IsNull(YamlNode node) => node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" or "Null" or "NULL" };

    private static YamlException Wrong(YamlNode node, string field, string kind) => new(node.Start, node.End, $"{field}: must be {kind}");
}
