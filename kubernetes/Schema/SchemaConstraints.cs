using System.Reflection;
using System.Text.Json.Nodes;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Kubernetes.Schema;

/// <summary>What attributes demand of a value, written into its schema.</summary>
internal static class SchemaConstraints
{
    public static void Apply(JsonObject schema, MemberInfo member, string place)
    {
        foreach (var constraint in member.GetCustomAttributes<SchemaConstraintAttribute>(inherit: false))
        {
            Apply(constraint.OnItems ? Items(schema, place) : schema, constraint, place);
        }

        if (member.GetCustomAttribute<ListTypeAttribute>() is { } list)
        {
            Require(schema, "array", place, nameof(ListTypeAttribute));
            schema["x-kubernetes-list-type"] = Text(list.Type);
            if (list.Keys.Count > 0)
            {
                schema["x-kubernetes-list-map-keys"] = new JsonArray([.. list.Keys.Select(key => JsonValue.Create(key))]);
            }
        }

        var rules = member.GetCustomAttributes<ValidationRuleAttribute>(inherit: false).Select(ToNode).ToArray();
        if (rules.Length > 0)
        {
            var known = schema["x-kubernetes-validations"] as JsonArray ?? [];
            foreach (var rule in rules)
            {
                known.Add((JsonNode)rule);
            }

            schema["x-kubernetes-validations"] = known;
        }
    }

    private static void Apply(JsonObject schema, SchemaConstraintAttribute constraint, string place)
    {
        var name = constraint.GetType().Name;
        switch (constraint)
        {
            case PatternAttribute pattern:
                Require(schema, "string", place, name);
                schema["pattern"] = pattern.RegexPattern;
                break;
            case FormatAttribute format:
                Require(schema, "string", place, name);
                schema["format"] = format.Format;
                break;
            case LengthAttribute length:
                Require(schema, "string", place, name);
                Bound(schema, "minLength", length.MinLength);
                Bound(schema, "maxLength", length.MaxLength);
                break;
            case ItemsAttribute items when schema.ContainsKey("additionalProperties"):
                Bound(schema, "minProperties", items.MinItems);
                Bound(schema, "maxProperties", items.MaxItems);
                break;
            case ItemsAttribute items:
                Require(schema, "array", place, name);
                Bound(schema, "minItems", items.MinItems);
                Bound(schema, "maxItems", items.MaxItems);
                break;
            case RangeMinimumAttribute range:
                Require(schema, "integer", place, name, "number");
                schema["minimum"] = Number(range.Minimum);
                break;
            case RangeMaximumAttribute range:
                Require(schema, "integer", place, name, "number");
                schema["maximum"] = Number(range.Maximum);
                break;
            default:
                throw new SchemaException($"{place}: {name} means nothing to a schema");
        }
    }

    private static JsonObject Items(JsonObject schema, string place) =>
        (schema["items"] ?? schema["additionalProperties"]) as JsonObject
        ?? throw new SchemaException($"{place}: OnItems is for lists and maps only");

    private static void Require(JsonObject schema, string type, string place, string attribute, string? other = null)
    {
        var actual = (string?)schema["type"];
        if (actual != type && (other is null || actual != other))
        {
            throw new SchemaException($"{place}: {attribute} is for {type}, but the field is {actual ?? "int-or-string"}");
        }
    }

    private static void Bound(JsonObject schema, string name, long value)
    {
        if (value >= 0)
        {
            schema[name] = value;
        }
    }

    // Whole numbers stay whole: "minimum: 1", not "minimum: 1.0".
    private static JsonValue Number(double value) =>
        value == Math.Truncate(value) ? JsonValue.Create((long)value) : JsonValue.Create(value);

    private static string Text(ListType type) => type switch
    {
        ListType.Map => "map",
        ListType.Set => "set",
        _ => "atomic",
    };

    private static JsonObject ToNode(ValidationRuleAttribute attribute)
    {
        var node = new JsonObject { ["rule"] = attribute.Rule };
        Add(node, "message", attribute.Message);
        Add(node, "messageExpression", attribute.MessageExpression);
        Add(node, "fieldPath", attribute.FieldPath);
        Add(node, "reason", attribute.Reason);
        return node;
    }

    private static void Add(JsonObject node, string name, string? value)
    {
        if (value is not null)
        {
            node[name] = value;
        }
    }
}
