using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace OnCache.Operator.Tests.Rules;

/// <summary>A field of an object, through the first item of each list and the first entry of each map.</summary>
internal readonly record struct FieldPath(ImmutableArray<string> Steps)
{
    private const string Item = "[]";
    private const string Entry = "{}";

    public static FieldPath Root { get; } = new([]);

    public FieldPath Field(string name) => new(Steps.Add(name));

    public FieldPath AnyItem => Field(Item);

    public FieldPath AnyEntry => Field(Entry);

    /// <summary>Whether it is an item or an entry, which the list or the map describes.</summary>
    public bool IsItem => Last is Item or Entry;

    public FieldPath Parent => new(Steps.RemoveAt(Steps.Length - 1));

    public string Last => Steps[^1];

    /// <summary>As in the API server's messages, without the indexes of items: servers differ in those.</summary>
    public string NameIn(JsonNode document)
    {
        var name = "";
        var node = document;
        foreach (var step in Steps)
        {
            (var shown, node) = Down(node, step);
            name += shown;
        }

        return name.TrimStart('.');
    }

    /// <summary>The value, which must be there.</summary>
    public JsonNode Get(JsonNode document) => Steps.Aggregate(document, (node, step) => Down(node, step).Node);

    /// <summary>A copy of the document with another value; <see langword="null"/> leaves the field out.</summary>
    public JsonObject Set(JsonObject document, JsonNode? value)
    {
        var copy = document.DeepClone().AsObject();
        var parent = Parent.Get(copy);
        switch (parent)
        {
            case JsonArray list:
                list[0] = value;
                break;
            case JsonObject map when Last == Entry:
                map[map.First().Key] = value;
                break;
            case JsonObject fields when value is null:
                fields.Remove(Last);
                break;
            default:
                parent[Last] = value;
                break;
        }

        return copy;
    }

    public override string ToString() => string.Join('.', Steps).Replace(".[]", "[]", StringComparison.Ordinal).Replace(".{}", "{}", StringComparison.Ordinal);

    private static (string Shown, JsonNode Node) Down(JsonNode node, string step) => step switch
    {
        Item => ("", node.AsArray()[0]!),
        Entry when node.AsObject().First() is { } first => ("." + first.Key, first.Value!),
        _ => ("." + step, node[step] ?? throw new ShouldAssertException($"the example has no value for {step}")),
    };
}
