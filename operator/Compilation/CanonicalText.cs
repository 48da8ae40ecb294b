using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Operator.Compilation;

/// <summary>Values as JSON with sorted fields: equal texts are equal values, whoever wrote them in whatever order.</summary>
/// <param name="without">A field that is left out of it.</param>
internal sealed class CanonicalText(string? without = null)
{
    // Values never change, and those of thousands of nodes are compared again and again.
    private readonly ConditionalWeakTable<object, string> _known = [];

    public string Of<T>(T value)
        where T : class => _known.GetValue(value, item => Sort(Fields(item))?.ToJsonString() ?? "null");

    private JsonNode? Fields(object item)
    {
        var node = JsonSerializer.SerializeToNode(item, KubernetesJson.Options.GetTypeInfo(item.GetType()));
        if (without is not null)
        {
            _ = node?.AsObject().Remove(without);
        }

        return node;
    }

    private static JsonNode? Sort(JsonNode? node) => node switch
    {
        JsonObject map => new JsonObject(map.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => KeyValuePair.Create(pair.Key, Sort(pair.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Sort)]),
        _ => node?.DeepClone(),
    };
}
