using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace OnCache.Kubernetes.Configuration;

/// <summary>
/// What has to be known of a kubeconfig file before the library reads it: fields that it passes by without a word, by the name of their entry;
/// what is not of its kind, for which it has the name of a type; and what it cannot read though kubectl does.
/// </summary>
/// <param name="Text">The file for the library.</param>
/// <param name="TokenFiles">Of users: the file with the token.</param>
/// <param name="Proxies">Of clusters: the proxy on the way to the server.</param>
/// <param name="Impersonated">Of users: more about whom to act as.</param>
internal sealed record UnreadFields(
    byte[] Text,
    IReadOnlyDictionary<string, string> TokenFiles,
    IReadOnlyDictionary<string, string> Proxies,
    IReadOnlyDictionary<string, string> Impersonated)
{
    private const string Extra = "as-user-extra";
    private const int DeepestNode = 32;

    // The words of YAML 1.1, which kubectl takes, and the library.
    private static readonly HashSet<string> Flags = new(StringComparer.OrdinalIgnoreCase) { "true", "yes", "y", "on", "false", "no", "n", "off" };

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
        _ = Value(root, "current-context");
        _ = Entries(root, "contexts", "context");
        var users = Entries(root, "users", "user");
        var clusters = Entries(root, "clusters", "cluster");
        var unread = new UnreadFields(
            [],
            Find(users, content => Value(content, "tokenFile")),
            Find(clusters, content => Value(content, "proxy-url")),
            Find(users, content => Child(content, Extra) is null ? null : Extra));
        foreach (var (_, content) in users)
        {
            _ = content.Children.Remove(new YamlScalarNode(Extra));
        }

        using var readable = new MemoryStream();
        using (var writer = new Utf8JsonWriter(readable))
        {
            Write(writer, root);
        }

        return unread with { Text = readable.ToArray() };
    }

    // JSON is YAML, and without what the library would read otherwise: nulls, aliases.
    private static void Write(Utf8JsonWriter writer, YamlNode node)
    {
        if (writer.CurrentDepth > DeepestNode)
        {
            throw Wrong(node, "the file", "less deep");
        }

        switch (node)
        {
            case YamlMappingNode map:
                writer.WriteStartObject();
                foreach (var (key, value) in map.Children.Where(static child => !IsNull(child.Value)))
                {
                    writer.WritePropertyName(key.ToString());
                    Write(writer, value);
                }

                writer.WriteEndObject();
                break;
            case YamlSequenceNode list:
                writer.WriteStartArray();
                foreach (var item in list.Where(static item => !IsNull(item)))
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            default:
                writer.WriteStringValue((node as YamlScalarNode)?.Value);
                break;
        }
    }

    private static Dictionary<string, string> Find(IReadOnlyList<(string? Name, YamlMappingNode Content)> entries, Func<YamlMappingNode, string?> find) => entries
        .Where(static entry => entry.Name is not null)
        .DistinctBy(static entry => entry.Name, StringComparer.Ordinal)
        .Select(entry => (entry.Name, Value: find(entry.Content)))
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
                entries.Add((Value(map, "name"), Simple(Map(inner, content))));
            }
        }

        return entries;
    }

    // What the entries hold is text but for these.
    private static YamlMappingNode Simple(YamlMappingNode content)
    {
        foreach (var (key, value) in content.Children)
        {
            if (key is YamlScalarNode { Value: { } name and not ("exec" or "auth-provider" or "as-groups" or Extra or "extensions") })
            {
                var text = value as YamlScalarNode ?? throw Wrong(value, name, "a text");
                if (name == "insecure-skip-tls-verify" && !IsNull(text) && !Flags.Contains(text.Value!))
                {
                    throw Wrong(value, name, $"true or false, not \"{text.Value}\"");
                }
            }
        }

        return content;
    }

    private static string? Value(YamlMappingNode map, string field) =>
        Child(map, field) is not { } found ? null : (found as YamlScalarNode ?? throw Wrong(found, field, "a text")).Value;

    private static YamlMappingNode Map(YamlNode node, string field)
    {
        var map = node as YamlMappingNode ?? throw Wrong(node, field, "a map");
        // The library would find there what is not found here.
        return Child(map, "<<") is { } merged ? throw Wrong(merged, "<<", "written out: merge keys are not supported") : map;
    }

    private static YamlNode? Child(YamlMappingNode map, string field) =>
        map.Children.TryGetValue(new YamlScalarNode(field), out var found) && !IsNull(found) ? found : null;

    private static bool IsNull(YamlNode node) => node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" or "Null" or "NULL" };

    private static YamlException Wrong(YamlNode node, string field, string kind) => new(node.Start, node.End, $"{field}: must be {kind}");
}
