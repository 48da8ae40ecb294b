using System.Net;
using OnCache.Api;

namespace OnCache.Agent.Configuration;

/// <summary>The fields of a <see cref="LocalEndpoints"/> document.</summary>
internal static class LocalEndpointsFields
{
    public static LocalEndpoints Read(FieldReader document) => new(
        ObjectMetaFields.Read(document),
        document.Objects("namespaces", Namespace),
        document.Objects("endpoints", Endpoint))
    {
        NetworkPolicies = document.ObjectsIfGiven("networkPolicies", NetworkPolicyFields.Read),
    };

    private static LocalNamespace Namespace(FieldReader item) => new(item.RequiredText("name", "default"), item.Map("labels"));

    private static LocalEndpoint Endpoint(FieldReader endpoint) => new()
    {
        Name = endpoint.RequiredText("name", "n1p1"),
        Namespace = endpoint.RequiredText("namespace", "default"),
        Uid = endpoint.RequiredText("uid", "9d2f6c1e"),
        Ip = endpoint.Required("ip", "10.244.1.2", IPAddress.Any, Parse.Address),
        Labels = endpoint.Map("labels"),
        Annotations = endpoint.Map("annotations"),
        HostNetwork = endpoint.Boolean("hostNetwork"),
    };
}
