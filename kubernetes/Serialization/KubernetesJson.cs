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

    /// <summary>How objects of one type are written and read.</summary>
    /// <exception cref="NotSupportedException">No assembly has a contract for the type.</exception>
    public static JsonTypeInfo<T> Contract<T>() => (JsonTypeInfo<T>)Options.GetTypeInfo(typeof(T));

    /// <summary>Writes an object with its <c>apiVersion</c> and <c>kind</c>.</summary>
    public static JsonObject ToNode<T>(T entity)
        where T : IKubernetesObject
    {
        var type = EntityType.Of<T>();
        var node = JsonSerializer.SerializeToNode(entity, Contract<T>())!.AsObject();
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
            TypeInfoResolver = new AssemblyContracts().WithAddedModifier(Refuse).WithAddedModifier(KeepInitialValues).WithAddedModifier(KeepInitialValuesOverNull),
            Converters = { new DurationConverter(), new TimeConverter() },
        };
        options.MakeReadOnly();
        return options;
    }

    // What a generated contract would get wrong without a word.
    private static void Refuse(JsonTypeInfo type)
    {
        if (type.Type.IsEnum && !type.Type.IsDefined(typeof(JsonConverterAttribute), inherit: false))
        {
            throw new InvalidOperationException($"{type.Type} would be written as a number: give it [JsonConverter(typeof(EnumText<{type.Type.Name}>))]");
        }

        var hasParameters = type.ConstructorAttributeProvider is ConstructorInfo constructor && constructor.GetParameters().Length > 0;
        if (hasParameters && type.Properties.FirstOrDefault(static field => field.AssociatedParameter is { IsMemberInitializer: true }) is { } lost)
        {
            throw new InvalidOperationException($"{type.Type}.{lost.Name} would lose its initial value: make it a parameter as the others, or none of them");
        }
    }

    // A generated contract makes an object by an initializer of all its properties, so that one that the JSON lacks would have its type's
    // default value and not its own.
    private static void KeepInitialValues(JsonTypeInfo type)
    {
        if (type is not { Kind: JsonTypeInfoKind.Object, CreateObject: null, ConstructorAttributeProvider: ConstructorInfo constructor }
            || constructor.GetParameters().Length > 0)
        {
            return;
        }

        type.CreateObject = () => constructor.Invoke(BindingFlags.DoNotWrapExceptions, binder: null, parameters: null, culture: null);
        foreach (var property in type.Properties)
        {
            if (property is { Set: not null, AttributeProvider: PropertyInfo member })
            {
                // What a setter says of its value is what users read.
                property.Set = (target, value) => member.SetValue(target, value, BindingFlags.DoNotWrapExceptions, binder: null, index: null, culture: null);
            }
        }
    }

    // The API writes an empty list as null in places; a property that is not nullable keeps its initial value then.
    private static void KeepInitialValuesOverNull(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
        {
            if (property is { Set: { } set, PropertyType.IsValueType: false, IsSetNullable: false })
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
