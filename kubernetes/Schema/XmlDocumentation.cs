using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;

namespace OnCache.Kubernetes.Schema;

/// <summary>The words of XML documentation as plain text, for descriptions in schemas.</summary>
internal sealed class XmlDocumentation
{
    private readonly Dictionary<Assembly, Dictionary<string, XElement>> _members = [];

    /// <summary>The summary of a type, or <see langword="null"/>.</summary>
    public string? Of(Type type) => Find(type.Assembly, $"T:{Name(type)}")?.Element("summary") is { } summary ? Text(summary) : null;

    /// <summary>The summary of a property, or what its record says about the parameter it came from, or <see langword="null"/>.</summary>
    public string? Of(PropertyInfo property)
    {
        var owner = property.DeclaringType!;
        var summary = Find(owner.Assembly, $"P:{Name(owner)}.{property.Name}")?.Element("summary");
        var parameter = Find(owner.Assembly, $"T:{Name(owner)}")?.Elements("param")
            .FirstOrDefault(element => element.Attribute("name")?.Value == property.Name);
        return (summary ?? parameter) is { } words ? Text(words) : null;
    }

    private static string Name(Type type) => (type.IsGenericType ? type.GetGenericTypeDefinition() : type).FullName!.Replace('+', '.');

    private static string? Text(XElement element)
    {
        var text = new StringBuilder();
        foreach (var node in element.DescendantNodes())
        {
            _ = node switch
            {
                XText words => text.Append(words.Value),
                XElement reference => text.Append(Reference(reference)),
                _ => text,
            };
        }

        var plain = string.Join(' ', text.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return plain.Length == 0 ? null : plain;
    }

    private static string? Reference(XElement element) => element.Attribute("cref")?.Value is { } target
        ? target.StartsWith("P:", StringComparison.Ordinal)
            // Users know a field by its name in JSON.
            ? JsonNamingPolicy.CamelCase.ConvertName(Last(target))
            : Last(target)
        : element.Attribute("langword")?.Value ?? element.Attribute("name")?.Value;

    private static string Last(string name) => name[(name.LastIndexOf('.') + 1)..];

    private static Dictionary<string, XElement> Load(Assembly assembly)
    {
        var file = Path.Combine(AppContext.BaseDirectory, $"{assembly.GetName().Name}.xml");
        if (!File.Exists(file))
        {
            throw new SchemaException($"{file}: not there; descriptions come from it, so build with GenerateDocumentationFile");
        }

        return XDocument.Load(file).Descendants("member")
            .Where(member => member.Attribute("name") is not null)
            .ToDictionary(member => member.Attribute("name")!.Value, StringComparer.Ordinal);
    }

    private XElement? Find(Assembly assembly, string member)
    {
        if (!_members.TryGetValue(assembly, out var members))
        {
            _members[assembly] = members = Load(assembly);
        }

        return members.GetValueOrDefault(member);
    }
}
