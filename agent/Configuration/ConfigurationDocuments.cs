using OnCache.Agent.Configuration.Yaml;
using OnCache.Api;

namespace OnCache.Agent.Configuration;

/// <summary>Reads the text of a configuration file: one NodeCacheConfig and one LocalEndpoints. A pure function; every problem of the text is found.</summary>
internal static class ConfigurationDocuments
{
    /// <summary>Reads the text.</summary>
    /// <param name="file">The file's name, for the problems.</param>
    /// <param name="text">Its content.</param>
    public static ConfigurationReading Read(string file, string text)
    {
        var problems = new ProblemList(file);
        var found = new Dictionary<string, int>(StringComparer.Ordinal);
        NodeCacheConfig? node = null;
        LocalEndpoints? local = null;
        var localLines = new FieldLines(0);

        foreach (var document in YamlTree.Documents(text, problems))
        {
            if (document is not YamlMapping mapping)
            {
                problems.Add(document.Line, "", "the document is not an object; begin it with apiVersion and kind");
                continue;
            }

            var lines = new FieldLines(mapping.Line);
            var reader = FieldReader.OfDocument(mapping, problems, lines);
            _ = reader.Required("apiVersion", ApiGroup.ApiVersion, "", Parse.Exactly(ApiGroup.ApiVersion));
            var kind = reader.Required("kind", NodeCacheConfig.Kind, "", Parse.OneOf(
                (NodeCacheConfig.Kind, NodeCacheConfig.Kind),
                (LocalEndpoints.Kind, LocalEndpoints.Kind)));
            if (kind.Length == 0)
            {
                continue;
            }

            if (!found.TryAdd(kind, mapping.Line))
            {
                problems.Add(lines.LineOf("kind"), "kind", $"{kind} is given twice, first in line {found[kind]}; keep one");
                continue;
            }

            if (string.Equals(kind, NodeCacheConfig.Kind, StringComparison.Ordinal))
            {
                node = Read(reader, lines, problems, NodeCacheConfigFields.Read, NodeCacheConfigRules.CheckFields, NodeCacheConfigRules.CheckRelations);
            }
            else
            {
                local = Read(reader, lines, problems, LocalEndpointsFields.Read, LocalEndpointsRules.CheckFields, LocalEndpointsRules.CheckRelations);
                localLines = lines;
            }
        }

        // A document that could not be read may be the one that is missing.
        var readable = problems.Count == 0;
        foreach (var kind in new[] { NodeCacheConfig.Kind, LocalEndpoints.Kind }.Where(kind => readable && !found.ContainsKey(kind)))
        {
            problems.Add(0, "", $"the document {kind} is missing; add one with apiVersion: {ApiGroup.ApiVersion} and kind: {kind}");
        }

        if (problems.Count == 0 && !string.Equals(node!.Metadata.Name, local!.Metadata.Name, StringComparison.Ordinal))
        {
            problems.Add(
                localLines.LineOf("metadata.name"),
                "metadata.name",
                $"{local.Metadata.Name} is not the node {node.Metadata.Name} of the NodeCacheConfig; both documents must name the same node");
        }

        return problems.Count == 0
            ? new ConfigurationReading(new AgentConfiguration(node!, local!), [])
            : new ConfigurationReading(null, problems.InOrder);
    }

    private static T Read<T>(
        FieldReader reader,
        FieldLines lines,
        ProblemList problems,
        Func<FieldReader, T> read,
        Func<T, IEnumerable<FieldProblem>> fields,
        Func<T, IEnumerable<FieldProblem>> relations)
    {
        var before = problems.Count;
        var document = read(reader);
        reader.Close();
        problems.Add(fields(document), lines, problems.Since(before));
        if (problems.Count == before)
        {
            problems.Add(relations(document), lines, []);
        }

        return document;
    }
}
