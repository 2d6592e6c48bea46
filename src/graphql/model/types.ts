import "reflect-metadata";
import { Field, Int, Float, ObjectType } from "type-graphql";
import type { ModelPack as LoadedPack } from "../../models/index.js";

@ObjectType({
  simpleResolvers: true,
  description: "A pre-trained network which listens to the sound, or looks at the pictures.",
})
export class Expert {
  @Field(() => String, { description: "Name, unique in the pack." })
  name!: string;

  @Field(() => String, { description: "What it takes in: `audio` or `visual`." })
  modality!: string;

  @Field(() => Int, { description: "Width of the embedding it contributes." })
  embeddingDimension!: number;
}

@ObjectType({
  simpleResolvers: true,
  description: "The models which listen to videos and read queries. Each version of a pack has an index of its own.",
})
export class ModelPack {
  @Field(() => String, { description: "Name and version, `name@version`: the name of its index." })
  index!: string;

  @Field(() => String, { description: "Name." })
  name!: string;

  @Field(() => String, { description: "Version." })
  version!: string;

  @Field(() => String, { description: "How experts are put together, e.g. `collaborative-experts`." })
  kind!: string;

  @Field(() => String, { description: "Licence of the pack, as an SPDX expression." })
  licence!: string;

  @Field(() => String, { description: "What the pack is, for a person." })
  description!: string;

  @Field(() => [Expert], { description: "Its experts." })
  experts!: Expert[];

  @Field(() => Int, { description: "Samples per second of the sound it listens to." })
  sampleRate!: number;

  @Field(() => Float, { description: "Length of a segment in seconds." })
  segmentSeconds!: number;

  @Field(() => Float, { description: "Distance between the starts of two segments in seconds." })
  segmentHopSeconds!: number;

  @Field(() => Int, { description: "Words it knows." })
  vocabularySize!: number;

  @Field(() => Int, { description: "Words of a query it uses; later ones are cut." })
  wordLimit!: number;

  /** The pack as GraphQL shows it. */
  static from(pack: LoadedPack): ModelPack {
    const { manifest } = pack;
    return Object.assign(new ModelPack(), {
      index: pack.id,
      name: manifest.name,
      version: manifest.version,
      kind: manifest.kind,
      licence: manifest.licence,
      description: manifest.description,
      experts: manifest.experts.map((expert) =>
        Object.assign(new Expert(), {
          name: expert.name,
          modality: expert.modality,
          embeddingDimension: expert.embeddingDim,
        }),
      ),
      sampleRate: manifest.sampleRate,
      segmentSeconds: manifest.segment.lengthSamples / manifest.sampleRate,
      segmentHopSeconds: manifest.segment.hopSamples / manifest.sampleRate,
      vocabularySize: manifest.textEncoder.vocabulary.size,
      wordLimit: manifest.textEncoder.wordLimit,
    });
  }
}
