using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Schema;

/// <summary>
/// The default of a field: the value its property has on a new object. So what the API server fills in and what the code assumes without it
/// cannot differ.
/// </summary>
internal static class SchemaDefault
{
    /// <summary>The default, or <see langword="null"/> for a field without one: required, nullable or empty.</summary>
    /// <param name="owner">The type of the object.</param>
    /// <param name="property">The property that holds the field.</param>
    /// <param name="shape">The schema of the field's type.</param>
    public static JsonNode? Of(Type owner, JsonPropertyInfo property, JsonObject shape)
    {
        var node = SchemaGenerator.IsRequired(property) ? null : Initial(owner, property);
        return node switch
        {
            null => null,
            JsonObject fields when shape.ContainsKey("properties") => OfObject(fields, shape),
            JsonObject or JsonArray when IsEmpty(node) => null,
            JsonValue text when text.TryGetValue<string>(out var words) && words.Length == 0 => null,
            _ => node,
        };
    }

    // Left empty where the fields' own defaults lead to the same: then only these need to be read.
    private static JsonObject? OfObject(JsonObject fields, JsonObject shape)
    {
        if (shape.ContainsKey("required"))
        {
            return null;
        }

        var properties = shape["properties"]!.AsObject();
        var differs = fields.Any(field => !IsEmpty(field.Value) && !JsonNode.DeepEquals(field.Value, Filled(properties[field.Key])));
        return differs ? fields : [];
    }

    // A default of an object stands for the defaults of its fields.
    private static JsonNode? Filled(JsonNode? schema)
    {
        if (schema?["default"] is not JsonObject given || schema["properties"] is not JsonObject properties)
        {
            return schema?["default"];
        }

        var filled = (JsonObject)given.DeepClone();
        foreach (var (name, field) in properties)
        {
            if (!filled.ContainsKey(name) && Filled(field) is { } value)
            {
                filled[name] = value.DeepClone();
            }
        }

        return filled;
    }

    private static bool IsEmpty(JsonNode? node) => node switch
    {
        null => true,
        JsonArray items => items.Count == 0,
        JsonObject fields => fields.All(field => IsEmpty(field.Value)),
        _ => false,
    };

    private static JsonNode? Initial(Type owner, JsonPropertyInfo property)
    {
        if (property.AssociatedParameter is { } parameter)
        {
            return parameter.HasDefaultValue
                ? JsonSerializer.SerializeToNode(parameter.DefaultValue, KubernetesJson.Options.GetTypeInfo(property.PropertyType))
                : null;
        }

        // Serialized as a whole, so that converters of single properties are heard. Null fields are absent.
        var contract = KubernetesJson.Options.GetTypeInfo(owner);
        return contract.CreateObject is { } create ? JsonSerializer.SerializeToNode(create(), contract)?[property.Name]?.DeepClone() : null;
    }
}
