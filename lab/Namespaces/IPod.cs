using System.Net;

namespace OnCache.Lab.Namespaces;

/// <summary>One incarnation of a pod, of an overlay lab or of a cluster.</summary>
public interface IPod : INetworkMember
{
    IPAddress Address { get; }

    Guid Uid { get; }
}
