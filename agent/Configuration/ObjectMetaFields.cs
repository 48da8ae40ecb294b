using OnCache.Api;

namespace OnCache.Agent.Configuration;

/// <summary>The field <c>metadata</c> of every document.</summary>
internal static class ObjectMetaFields
{
    public static ObjectMeta Read(FieldReader document) =>
        document.RequiredObject("metadata", "{ name: n1 }", metadata => new ObjectMeta(metadata.RequiredText("name", "n1")))
        ?? new ObjectMeta("");
}
