using System.Text.Json.Nodes;

namespace OnCache.Operator.Tests.Rules;

/// <summary>Makes, for every bound of the schema, the object at the bound and the one just beyond it.</summary>
internal static class SchemaRules
{
    // Keywords that refuse nothing.
    private static readonly HashSet<string> Silent = new(StringComparer.Ordinal)
    {
        "description", "properties", "items", "additionalProperties", "default", "format", "x-kubernetes-list-map-keys", "x-kubernetes-validations",
    };

    public static IEnumerable<RuleCase> Cases() =>
        from kind in RuleAssets.Kinds
        from part in CrdSchema.Parts(kind.Plural, "spec")
        from keyword in part.Schema
        where !Silent.Contains(keyword.Key)
        from rule in Rule(kind.Example, part, keyword.Key, keyword.Value!)
        select rule;

    private static IEnumerable<RuleCase> Rule(JsonObject example, SchemaPart part, string keyword, JsonNode bound)
    {
        var path = part.Path;
        var value = path.Get(example);
        return keyword switch
        {
            "type" => [Case(example, value.GetValueKind() == System.Text.Json.JsonValueKind.Object ? 7 : new JsonObject { ["a"] = "b" }, "must be of type")],
            "minimum" => [Case(Number(bound), Number(bound, -1), "should be greater than or equal to")],
            "maximum" => [Case(Number(bound), Number(bound, 1), "should be less than or equal to")],
            // Those take no values, which is for a rule in CEL to say.
            "enum" => [.. bound.AsArray().Where(allowed => (string?)allowed is not ("Exists" or "DoesNotExist")).Select(allowed => Case(allowed!, "Sometimes", "supported values"))],
            "pattern" => [Case(value, "!!!!!!!!!!", "should match")],
            "minLength" => [Case(value, new string('1', (int)bound - 1), $"should be at least {bound} chars long")],
            "maxLength" => [Case(Longest(value, (int)bound), new string('1', (int)bound + 1), $"Too long|at most {bound} chars")],
            "minItems" => [Case(value, new JsonArray(), $"should have at least {bound} items")],
            "maxItems" => [Case(Items(value, (int)bound, part), Items(value, (int)bound + 1, part), $"Too many|at most {bound} items")],
            "maxProperties" => [Case(Entries((int)bound), Entries((int)bound + 1), $"Too many|at most {bound} ")],
            "required" => [.. bound.AsArray().Select(name => Without((string)name!))],
            "x-kubernetes-list-type" when (string)bound! is "set" or "map" =>
                [Case(value, new JsonArray(value[0]!.DeepClone(), value[0]!.DeepClone()), "Duplicate value")],
            "x-kubernetes-list-type" => [],
            _ => throw new ShouldAssertException($"{path}: no way is known to try the keyword {keyword}"),
        };

        RuleCase Case(JsonNode accepted, JsonNode refused, string words) => new(
            $"{example["kind"]} {path} {keyword} {(keyword == "enum" ? (string?)accepted : "")}".TrimEnd(),
            keyword == "type" ? example : path.Set(example, accepted.DeepClone()),
            path.Set(example, refused),
            path.NameIn(example),
            words);

        RuleCase Without(string name)
        {
            var field = path.Field(name);
            return new($"{example["kind"]} {field} required", example, field.Set(example, null), field.NameIn(example), "Required value");
        }
    }

    private static JsonNode Number(JsonNode bound, long more = 0) => (long)bound + more;

    // Where a pattern leaves no text of that length, the example stands for those that fit.
    private static JsonNode Longest(JsonNode value, int length) => (string?)value switch
    {
        "10.0.0.0/8" => "255.255.255.255/32",
        "30s" or "2s" => "0h0h0h0h0h0h0h0h0h0h0h0h0h0h0h1s",
        "shop/allow" => $"{Label(63)}/{Subdomain}",
        _ when length > 253 => $"{Subdomain}/{Label(63)}",
        _ when length == 253 => Subdomain,
        _ => Label(length),
    };

    private static string Subdomain => $"{Label(63)}.{Label(63)}.{Label(63)}.{Label(61)}";

    private static string Label(int length) => new('a', length);

    private static JsonObject Entries(int count) =>
        new(Enumerable.Range(0, count).Select(i => KeyValuePair.Create<string, JsonNode?>($"l{i}", "v")));

    // Different from one another as far as the field has room for that.
    private static JsonArray Items(JsonNode list, int count, SchemaPart part)
    {
        var allowed = part.Schema["items"]!["enum"] as JsonArray;
        return new JsonArray([.. Enumerable.Range(0, count).Select(i => allowed is null ? Item(list[0]!, i) : allowed[i % allowed.Count]!.DeepClone())]);
    }

    private static JsonNode Item(JsonNode first, int i)
    {
        var item = first.DeepClone();
        switch (item)
        {
            case JsonObject port when port.ContainsKey("port"):
                port["port"] = i + 1;
                return item;
            case JsonObject policy when policy.ContainsKey("name"):
                policy["name"] = $"p{i}";
                return item;
            case JsonObject:
                return item;
            default:
                return (string?)item switch
                {
                    "10.0.0.0/8" => $"10.{i / 256}.{i % 256}.0/24",
                    "shop/allow" => $"shop/p{i}",
                    _ => $"n{i}",
                };
        }
    }
}
