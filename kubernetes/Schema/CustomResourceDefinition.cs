using System.Reflection;
using System.Text.Json.Nodes;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Schema;

/// <summary>The definition of a custom resource, of <c>apiextensions.k8s.io/v1</c>, made from its type.</summary>
public static class CustomResourceDefinition
{
    /// <summary>The definition as a JSON document.</summary>
    /// <exception cref="SchemaException">A part of the type cannot be described.</exception>
    public static JsonObject Of(Type type)
    {
        var documentation = new XmlDocumentation();
        var entity = EntityType.Of(type);
        var contract = KubernetesJson.Options.GetTypeInfo(type);
        var generator = new SchemaGenerator(documentation);
        var properties = new JsonObject
        {
            ["apiVersion"] = new JsonObject { ["type"] = "string" },
            ["kind"] = new JsonObject { ["type"] = "string" },
            ["metadata"] = new JsonObject { ["type"] = "object" },
        };
        // The order people write: the wish before the observation.
        foreach (var property in contract.Properties
            .Where(property => !properties.ContainsKey(property.Name))
            .OrderBy(property => property.Name == "status"))
        {
            properties[property.Name] = generator.Of(type, property, withDefaults: property.Name != "status");
        }

        var schema = new JsonObject { ["type"] = "object" };
        if ((type.GetCustomAttribute<DescriptionAttribute>()?.Description ?? documentation.Of(type)) is { } description)
        {
            schema.Insert(0, "description", description);
        }

        var required = properties
            .Where(property => property.Key == "spec" && property.Value!["default"] is null)
            .Select(property => JsonValue.Create(property.Key))
            .ToArray();
        if (required.Length > 0)
        {
            schema["required"] = new JsonArray([.. required]);
        }

        schema["properties"] = properties;
        SchemaConstraints.Apply(schema, type, type.Name);
        return new JsonObject
        {
            ["apiVersion"] = "apiextensions.k8s.io/v1",
            ["kind"] = "CustomResourceDefinition",
            ["metadata"] = new JsonObject { ["name"] = $"{entity.Plural}.{entity.Group}" },
            ["spec"] = new JsonObject
            {
                ["group"] = entity.Group,
                ["names"] = Names(type, entity),
                ["scope"] = entity.Namespaced ? "Namespaced" : "Cluster",
                ["versions"] = new JsonArray(Version(type, entity, schema)),
            },
        };
    }

    private static JsonObject Names(Type type, EntityType entity)
    {
        var names = new JsonObject
        {
            ["kind"] = entity.Kind,
            ["listKind"] = $"{entity.Kind}List",
            ["plural"] = entity.Plural,
            ["singular"] = entity.Kind.ToLowerInvariant(),
        };
        if (type.GetCustomAttribute<KubernetesEntityShortNamesAttribute>() is { } brief)
        {
            names["shortNames"] = new JsonArray([.. brief.ShortNames.Select(name => JsonValue.Create(name))]);
        }

        if (type.GetCustomAttribute<KubernetesEntityCategoriesAttribute>() is { } groups)
        {
            names["categories"] = new JsonArray([.. groups.Categories.Select(name => JsonValue.Create(name))]);
        }

        return names;
    }

    private static JsonObject Version(Type type, EntityType entity, JsonObject schema)
    {
        var version = new JsonObject { ["name"] = entity.Version, ["served"] = true, ["storage"] = true };
        if (schema["properties"]!["status"] is not null)
        {
            version["subresources"] = new JsonObject { ["status"] = new JsonObject() };
        }

        var columns = type.GetCustomAttributes<GenericAdditionalPrinterColumnAttribute>(inherit: false).Select(Column).ToArray();
        if (columns.Length > 0)
        {
            version["additionalPrinterColumns"] = new JsonArray(columns);
        }

        version["schema"] = new JsonObject { ["openAPIV3Schema"] = schema };
        return version;
    }

    private static JsonNode Column(GenericAdditionalPrinterColumnAttribute column)
    {
        var node = new JsonObject { ["name"] = column.Name, ["type"] = column.Type, ["jsonPath"] = column.JsonPath };
        if (column.Description is not null)
        {
            node["description"] = column.Description;
        }

        if (column.Format is not null)
        {
            node["format"] = column.Format;
        }

        if (column.Priority != 0)
        {
            node["priority"] = column.Priority;
        }

        return node;
    }
}
