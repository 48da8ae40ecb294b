using System.Text.Json.Nodes;
using OnCache.Operator.Tests.Golden;

namespace OnCache.Operator.Tests.Rules;

/// <summary>One part of a generated definition's schema.</summary>
/// <param name="Path">The field it speaks of.</param>
/// <param name="Schema">Its schema.</param>
internal sealed record SchemaPart(FieldPath Path, JsonObject Schema);

/// <summary>The schema of a definition in <c>config/crd</c>.</summary>
internal static class CrdSchema
{
    /// <summary>All parts of a field of the kind, that field first.</summary>
    /// <param name="plural">Such as <c>nodecacheconfigs</c>.</param>
    /// <param name="field"><c>spec</c> or <c>status</c>.</param>
    public static IEnumerable<SchemaPart> Parts(string plural, string field) =>
        Walk(FieldPath.Root.Field(field), Root(plural)["properties"]![field]!.AsObject());

    /// <summary>All parts of <c>spec</c> and <c>status</c>.</summary>
    public static IEnumerable<SchemaPart> Parts(string plural) => Parts(plural, "spec").Concat(Parts(plural, "status"));

    public static JsonObject Root(string plural) => Definition(plural)["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!.AsObject();

    public static JsonObject Definition(string plural) =>
        YamlDocuments.Read(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, $"config/crd/oncache.io_{plural}.yaml"))).Single();

    private static IEnumerable<SchemaPart> Walk(FieldPath path, JsonObject schema) =>
    [
        new(path, schema),
        .. (schema["properties"] as JsonObject ?? []).SelectMany(property => Walk(path.Field(property.Key), property.Value!.AsObject())),
        .. schema["items"] is JsonObject items ? Walk(path.AnyItem, items) : [],
        .. schema["additionalProperties"] is JsonObject values ? Walk(path.AnyEntry, values) : [],
    ];
}
