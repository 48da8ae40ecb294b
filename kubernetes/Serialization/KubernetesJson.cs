using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using OnCache.Kubernetes.Entities;

namespace OnCache.Kubernetes.Serialization;

/// <summary>How objects are written to and read from the API.</summary>
public static class KubernetesJson
{
    /// <summary>
    /// Field names in camel case, enums and durations as text, times as <c>Time</c>, absent rather than null, unknown fields ignored:
    /// a newer server may know more than we do.
    /// </summary>
    public static JsonSerializerOptions Options { get; } = Create();

    /// <summary>Writes an object with its <c>apiVersion</c> and <c>kind</c>.</summary>
    public static JsonObject ToNode<T>(T entity)
        where T : IKubernetesObject
    {
        var type = EntityType.Of<T>();
        var node = JsonSerializer.SerializeToNode(entity, Options)!.AsObject();
        node["apiVersion"] = type.ApiVersion;
        node["kind"] = type.Kind;
        return node;
    }

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            PropertyNameCaseInsensitive = false,
            NumberHandling = JsonNumberHandling.Strict,
            // What a type computes from its fields is not a field.
            IgnoreReadOnlyProperties = true,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { KeepDefaultsOverNull } },
            Converters = { new JsonStringEnumConverter(namingPolicy: null, allowIntegerValues: false), new DurationConverter(), new TimeConverter() },
        };
        options.MakeReadOnly();
        return options;
    }

    // The API writes an empty list as null in places; a property that is not nullable keeps its initial value then.
    private static void KeepDefaultsOverNull(JsonTypeInfo type)
    {
        var nullability = new NullabilityInfoContext();
        foreach (var property in type.Properties)
        {
            if (property is { Set: { } set, PropertyType.IsValueType: false, AttributeProvider: PropertyInfo member }
                && nullability.Create(member).WriteState == NullabilityState.NotNull)
            {
                property.Set = (target, value) =>
                {
                    if (value is not null)
                    {
                        set(target, value);
                    }
                };
            }
        }
    }
}
