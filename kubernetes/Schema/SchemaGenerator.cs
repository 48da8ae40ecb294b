using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using OnCache.Kubernetes.Entities.Attributes;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Schema;

/// <summary>
/// Structural OpenAPI schemas from types, by the very contracts that serialize them. System.Text.Json's own exporter writes JSON Schema,
/// whose unions of types and references a structural schema must not have.
/// </summary>
internal sealed class SchemaGenerator(XmlDocumentation documentation)
{
    private readonly List<Type> _path = [];

    /// <summary>The schema of an object's part.</summary>
    /// <param name="owner">The type of the object.</param>
    /// <param name="property">The property that holds the part.</param>
    /// <param name="withDefaults">Whether initial values become defaults: of what is wanted, but not of what was observed.</param>
    public JsonObject Of(Type owner, JsonPropertyInfo property, bool withDefaults)
    {
        var member = Member(property);
        var place = $"{member.DeclaringType!.Name}.{member.Name}";
        var type = member.GetCustomAttribute<SchemaAsAttribute>()?.Type ?? property.PropertyType;
        var schema = new JsonObject();
        var shape = member.IsDefined(typeof(PreserveUnknownFieldsAttribute))
            ? new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true }
            : OfType(type, place, withDefaults);
        var described = member.GetCustomAttribute<DescriptionAttribute>()?.Description
            ?? OwnWords(member)
            ?? (string?)shape["description"];
        if (described is not null)
        {
            schema["description"] = described;
        }

        Merge(schema, shape);
        if (withDefaults && SchemaDefault.Of(owner, property, shape) is { } value)
        {
            schema["default"] = value;
        }

        SchemaConstraints.Apply(schema, member, place);
        return schema;
    }

    /// <summary>Whether a field must be given: C# or an attribute says so.</summary>
    public static bool IsRequired(JsonPropertyInfo property) =>
        property.IsRequired
        || Member(property).IsDefined(typeof(RequiredAttribute))
        || property.AssociatedParameter is { HasDefaultValue: false };

    // What is computed is not written, and extension data is whatever is no field.
    private static bool IsField(JsonPropertyInfo property) =>
        !property.IsExtensionData && (property.Set is not null || property.AssociatedParameter is not null);

    private static PropertyInfo Member(JsonPropertyInfo property) => property.AttributeProvider as PropertyInfo
        ?? throw new SchemaException($"{property.DeclaringType.Name}.{property.Name}: only properties become fields");

    private static void Merge(JsonObject target, JsonObject source)
    {
        foreach (var (name, value) in source)
        {
            if (name != "description")
            {
                target[name] = value?.DeepClone();
            }
        }
    }

    private static JsonObject Simple(string type, string? format = null) =>
        format is null ? new JsonObject { ["type"] = type } : new JsonObject { ["type"] = type, ["format"] = format };

    private JsonObject OfType(Type declared, string place, bool withDefaults)
    {
        var type = Nullable.GetUnderlyingType(declared) ?? declared;
        if (type.GetCustomAttribute<SchemaAsAttribute>() is { } twin)
        {
            var schema = OfType(twin.Type, place, withDefaults);
            SchemaConstraints.Apply(schema, type, place);
            return schema;
        }

        return Type.GetTypeCode(type) switch
        {
            _ when type.IsEnum => OfEnum(type, place),
            TypeCode.String or TypeCode.Char => Simple("string"),
            TypeCode.Boolean => Simple("boolean"),
            TypeCode.Byte => Bounded(byte.MinValue, byte.MaxValue),
            TypeCode.UInt16 => Bounded(ushort.MinValue, ushort.MaxValue),
            TypeCode.Int16 => Bounded(short.MinValue, short.MaxValue),
            TypeCode.Int32 => Simple("integer", "int32"),
            TypeCode.Int64 => Simple("integer", "int64"),
            TypeCode.UInt32 => Bounded(uint.MinValue, uint.MaxValue),
            TypeCode.Single => Simple("number", "float"),
            TypeCode.Double => Simple("number", "double"),
            TypeCode.DateTime => Simple("string", "date-time"),
            _ when type == typeof(DateTimeOffset) => Simple("string", "date-time"),
            _ when type == typeof(byte[]) => Simple("string", "byte"),
            _ when type == typeof(TimeSpan) => new JsonObject { ["type"] = "string", ["pattern"] = GoDuration.Pattern, ["maxLength"] = 32 },
            _ when type == typeof(IntOrString) => new JsonObject { ["x-kubernetes-int-or-string"] = true },
            _ => OfContract(type, place, withDefaults),
        };

        static JsonObject Bounded(long minimum, long maximum) =>
            new() { ["type"] = "integer", ["minimum"] = minimum, ["maximum"] = maximum };
    }

    private JsonObject OfEnum(Type type, string place)
    {
        if (type.IsDefined(typeof(FlagsAttribute)))
        {
            throw new SchemaException($"{place}: {type.Name} is a set of flags; use a list, or say its JSON by [SchemaAs]");
        }

        var names = Enum.GetValuesAsUnderlyingType(type).Cast<object>()
            .Select(value => JsonSerializer.SerializeToNode(Enum.ToObject(type, value), KubernetesJson.Options.GetTypeInfo(type)));
        var schema = Simple("string");
        schema["enum"] = new JsonArray([.. names]);
        return Described(schema, type);
    }

    private JsonObject OfContract(Type type, string place, bool withDefaults)
    {
        var contract = KubernetesJson.Options.GetTypeInfo(type);
        return contract.Kind switch
        {
            JsonTypeInfoKind.Enumerable =>
                new JsonObject { ["type"] = "array", ["items"] = OfType(contract.ElementType!, place, withDefaults) },
            JsonTypeInfoKind.Dictionary when contract.KeyType == typeof(string) =>
                new JsonObject { ["type"] = "object", ["additionalProperties"] = OfType(contract.ElementType!, place, withDefaults) },
            JsonTypeInfoKind.Object when type != typeof(object) => OfObject(contract, place, withDefaults),
            _ => throw new SchemaException($"{place}: no schema for {type}; say its JSON by [SchemaAs] or [PreserveUnknownFields]"),
        };
    }

    private JsonObject OfObject(JsonTypeInfo contract, string place, bool withDefaults)
    {
        if (_path.Contains(contract.Type))
        {
            throw new SchemaException($"{place}: {contract.Type.Name} contains itself, which no structural schema can say");
        }

        _path.Add(contract.Type);
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var property in contract.Properties.Where(IsField))
        {
            properties[property.Name] = Of(contract.Type, property, withDefaults);
            if (IsRequired(property))
            {
                required.Add((JsonNode)property.Name);
            }
        }

        _path.RemoveAt(_path.Count - 1);
        var schema = Simple("object");
        if (required.Count > 0)
        {
            schema["required"] = required;
        }

        schema["properties"] = properties;
        SchemaConstraints.Apply(schema, contract.Type, place);
        return Described(schema, contract.Type);
    }

    // The base types of entities speak of any kind; the type of the part speaks of this one.
    private string? OwnWords(PropertyInfo member) =>
        member.DeclaringType!.Assembly == typeof(SchemaGenerator).Assembly ? null : documentation.Of(member);

    private JsonObject Described(JsonObject schema, Type type)
    {
        if ((type.GetCustomAttribute<DescriptionAttribute>()?.Description ?? documentation.Of(type)) is { } description)
        {
            schema.Insert(0, "description", description);
        }

        return schema;
    }
}
